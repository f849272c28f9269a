import type { FastifyReply } from 'fastify';
import { z } from 'zod';
import { findOpenFailure } from '../../db/failures.ts';
import type { NewRun } from '../../db/runs.ts';
import { BC_KEY } from '../../sync/document.ts';
import { refuseWhileRunning, requestRun } from '../../sync/request.ts';
import type { Api } from '../app.ts';
import type { ApiDeps } from '../deps.ts';
import { FailureNotFoundError } from '../errors.ts';
import { requireOdoo, requireRedis } from '../guards.ts';
import { problemResponses } from '../problem.ts';
import { odooIdParam } from '../schemas.ts';

export const accepted = z.object({ runId: z.int(), jobId: z.string() });
const config = { scope: 'sync:write' } as const;
const response = { 202: accepted, ...problemResponses };

/** Everything that asks for a run. The answer comes before the work: `Location` leads to the run. */
export function requestRoutes(api: Api, deps: ApiDeps): void {
  const body = z
    .strictObject({
      mode: z.enum(['incremental', 'full', 'sweep']),
      force: z
        .boolean()
        .optional()
        .describe('archive every BC and line that is gone, however many there are'),
    })
    .refine(({ mode, force }) => force !== true || mode === 'sweep', {
      path: ['force'],
      error: 'force goes with the mode sweep only',
    });
  api.post(
    '/api/v1/sync/runs',
    {
      config,
      schema: { tags: ['sync'], summary: 'Start a run; 409 while one is in progress', body, response },
    },
    async ({ body: { mode, force = false } }, reply) => {
      requireOdoo(deps.config);
      await refuseWhileRunning(deps.db, BC_KEY);
      return accept(deps, reply, { key: BC_KEY, mode, force, trigger: 'api' });
    },
  );

  api.post(
    '/api/v1/sync/failures/:odooId/retry',
    {
      config,
      schema: { tags: ['sync'], summary: 'Fetch a failed BC again now', params: odooIdParam, response },
    },
    async ({ params: { odooId } }, reply) => {
      requireOdoo(deps.config);
      if ((await findOpenFailure(deps.db, BC_KEY, odooId)) === null) throw new FailureNotFoundError(odooId);
      return accept(deps, reply, { key: BC_KEY, mode: 'single', trigger: 'retry', odooIds: [odooId] });
    },
  );

  api.post(
    '/api/v1/bc/:odooId/resync',
    {
      config,
      schema: {
        tags: ['bc'],
        summary: 'Fetch a BC again now, known to the mirror or not',
        params: odooIdParam,
        response,
      },
    },
    async ({ params: { odooId } }, reply) => {
      requireOdoo(deps.config);
      return accept(deps, reply, { key: BC_KEY, mode: 'single', trigger: 'api', odooIds: [odooId] });
    },
  );
}

async function accept({ db, queues, redis }: ApiDeps, reply: FastifyReply, run: NewRun) {
  await requireRedis(redis);
  const queued = await requestRun(db, queues.sync, run);
  reply.code(202).header('location', `/api/v1/sync/runs/${queued.runId}`);
  return queued;
}
