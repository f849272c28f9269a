import type { FastifyReply } from 'fastify';
import { z } from 'zod';
import { erasedAmong } from '../../../db/documents/erased-records.ts';
import { findOpenFailure } from '../../../db/runs/failures.ts';
import { progress } from '../../../db/runs/ledger.ts';
import { findRun, listRuns, type NewRun } from '../../../db/runs/runs.ts';
import { RUN_MODES, RUN_STATUSES } from '../../../db/schema/sync.ts';
import type { SyncQueue } from '../../../queues/jobs.ts';
import { refuseWhileRunning, requestRun } from '../../../sync/request-run.ts';
import type { Api, ApiContext } from '../../context.ts';
import { FailureNotFoundError, RecordErasedError, RunNotFoundError } from '../../errors.ts';
import { reachedKeys } from '../../plugins/mirror-access.ts';
import { requireOdoo, requireRedis } from '../../preconditions.ts';
import {
  exampleRun,
  idCursor,
  idParam,
  limit,
  odooIdParam,
  pageOf,
  run,
  runWithProgress,
  toPage,
} from '../../schemas.ts';
import { findServed, mirrorOrBc, type Place, type ServedMirrors } from '../documents/place.ts';
import { overview, readOverview } from './overview.ts';

const filter = z.strictObject({
  mirror: mirrorOrBc,
  limit,
  cursor: idCursor,
  status: z
    .enum(RUN_STATUSES)
    .optional()
    .meta({ examples: ['failed'] }),
  mode: z
    .enum(RUN_MODES)
    .optional()
    .meta({ examples: ['full'] }),
});

const tags = ['sync'];

export function runRoutes(api: Api, { db }: ApiContext, mirrors: ServedMirrors): void {
  api.get(
    '/api/v1/sync/runs',
    {
      config: { scope: 'bc:read', problems: ['mirror_not_found'] },
      schema: {
        tags,
        summary: 'Runs of a mirror, newest first',
        description: 'Pages by descending id.',
        querystring: filter,
        response: { 200: pageOf(run, exampleRun) },
      },
    },
    async ({ query: { mirror, limit: size, cursor, status, mode } }) => {
      const rows = await listRuns(db, {
        key: findServed(mirrors, mirror).key,
        limit: size + 1,
        ...(cursor === undefined ? {} : { before: cursor }),
        ...(status === undefined ? {} : { statuses: [status] }),
        ...(mode === undefined ? {} : { mode }),
      });
      return toPage(rows, size, (last) => last.id);
    },
  );

  api.get(
    '/api/v1/sync/runs/:id',
    {
      config: { scope: 'bc:read', mirror: 'own', problems: ['run_not_found'] },
      schema: {
        tags,
        summary: 'One run',
        description: 'With `progress`: the current number of its BCs in each state.',
        params: idParam,
        response: { 200: runWithProgress },
      },
    },
    async ({ params: { id }, apiKey }) => {
      const found = await findRun(db, id);
      const isReached = found !== null && (reachedKeys(apiKey)?.includes(found.key) ?? true);
      if (!isReached) throw new RunNotFoundError(id);
      return { ...found, progress: await progress(db, id) };
    },
  );
}

export const accepted = z
  .object({ runId: z.int(), jobId: z.string() })
  .meta({ examples: [{ runId: 312, jobId: 'run-312' }] });
const scope = 'sync:write';
const problems = ['odoo_not_configured', 'redis_unavailable'];
const description = 'The answer is sent before the work starts. Location is the URL of the run.';
const response = { 202: accepted };

/** Routes that request a run. They answer before the work starts; `Location` is the URL of the run. */
export function requestRoutes(api: Api, deps: ApiContext, mirrors: ServedMirrors): void {
  const body = z
    .strictObject({
      mirror: mirrorOrBc,
      mode: z.enum(['incremental', 'full', 'sweep']),
      force: z
        .boolean()
        .optional()
        .describe('archive every BC and line that is gone, however many there are'),
      newSource: z
        .boolean()
        .optional()
        .describe('accept another database or model: read all of it, archive every other BC'),
    })
    .refine(({ mode, force }) => force !== true || mode === 'sweep', {
      path: ['force'],
      error: 'force goes with the mode sweep only',
    })
    .refine(({ mode, newSource }) => newSource !== true || mode === 'sweep', {
      path: ['newSource'],
      error: 'newSource goes with the mode sweep only',
    })
    .meta({ examples: [{ mode: 'full' }] });
  api.post(
    '/api/v1/sync/runs',
    {
      config: { scope, problems: ['mirror_not_found', 'run_in_progress', ...problems] },
      schema: {
        tags,
        summary: 'Start a run; 409 while one is in progress',
        ...{ description, body, response },
      },
    },
    async ({ body: { mirror, mode, force = false, newSource = false } }, reply) => {
      const { key, syncQueue } = findServed(mirrors, mirror);
      requireOdoo(deps.config);
      await refuseWhileRunning(deps.db, key);
      return accept(deps, syncQueue, reply, { key, mode, force, newSource, trigger: 'api' });
    },
  );

  api.post(
    '/api/v1/sync/failures/:odooId/retry',
    {
      config: { scope, problems: ['mirror_not_found', 'failure_not_found', ...problems] },
      schema: {
        tags,
        summary: 'Fetch a failed BC again now',
        ...{ description, params: odooIdParam, response },
        querystring: z.strictObject({ mirror: mirrorOrBc }),
      },
    },
    async ({ params: { odooId }, query: { mirror } }, reply) => {
      const { key, syncQueue } = findServed(mirrors, mirror);
      requireOdoo(deps.config);
      if ((await findOpenFailure(deps.db, key, odooId)) === null) throw new FailureNotFoundError(odooId);
      return accept(deps, syncQueue, reply, {
        key,
        mode: 'single',
        trigger: 'retry',
        odooIds: [odooId],
      });
    },
  );
}

/** Requests a run of one document. */
export function resyncRoute(api: Api, deps: ApiContext, place: Place): void {
  api.post(
    `${place.path}/:odooId/resync`,
    {
      config: { ...place.config, scope, problems: [...place.problems, ...problems, 'record_erased'] },
      schema: {
        tags: [place.tag],
        summary: 'Fetch a BC again now, known to the mirror or not',
        ...{ description, params: place.documentParams, response },
      },
    },
    async ({ params }, reply) => {
      const { name, key, models, syncQueue } = place.served(params);
      const { odooId } = params;
      requireOdoo(deps.config);
      if ((await erasedAmong(deps.db, models.model, [odooId])).size > 0)
        throw new RecordErasedError(name, odooId);
      const run = { key, mode: 'single' as const, trigger: 'api' as const, odooIds: [odooId] };
      return accept(deps, syncQueue, reply, run);
    },
  );
}

async function accept({ db, redis }: ApiContext, queue: SyncQueue, reply: FastifyReply, run: NewRun) {
  await requireRedis(redis);
  const queued = await requestRun(db, queue, run);
  reply.code(202).header('location', `/api/v1/sync/runs/${queued.runId}`);
  return queued;
}

export function syncRoutes(api: Api, deps: ApiContext, mirrors: ServedMirrors): void {
  api.get(
    '/api/v1/sync',
    {
      config: { scope: 'bc:read', problems: ['mirror_not_found'] },
      schema: {
        tags: ['sync'],
        summary:
          'State, current run, last runs, open failures and incidents, queue depths (null while Redis is down)',
        description: 'Works without Redis: `queues` is then null.',
        querystring: z.strictObject({ mirror: mirrorOrBc }),
        response: { 200: overview },
      },
    },
    ({ query: { mirror } }) => readOverview(deps, mirrors, findServed(mirrors, mirror)),
  );
}
