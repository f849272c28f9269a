import { z } from 'zod';
import { progress } from '../../db/ledger.ts';
import { findRun, listRuns } from '../../db/runs.ts';
import { RUN_MODES, RUN_STATUSES } from '../../db/schema/sync.ts';
import type { Api } from '../app.ts';
import type { ApiDeps } from '../deps.ts';
import { RunNotFoundError } from '../errors.ts';
import { problemResponses } from '../problem.ts';
import { idCursor, idParam, limit, pageOf, run, runWithProgress, toPage } from '../schemas.ts';

const filter = z.strictObject({
  limit,
  cursor: idCursor,
  status: z.enum(RUN_STATUSES).optional(),
  mode: z.enum(RUN_MODES).optional(),
});

const tags = ['sync'];

/** The log of runs. */
export function runRoutes(api: Api, { db }: ApiDeps): void {
  api.get(
    '/api/v1/sync/runs',
    {
      config: { scope: 'bc:read' },
      schema: {
        tags,
        summary: 'Runs, newest first',
        querystring: filter,
        response: { 200: pageOf(run), ...problemResponses },
      },
    },
    async ({ query: { limit: size, cursor, status, mode } }) => {
      const rows = await listRuns(db, {
        limit: size + 1,
        ...(cursor === undefined ? {} : { before: cursor }),
        ...(status === undefined ? {} : { status }),
        ...(mode === undefined ? {} : { mode }),
      });
      return toPage(rows, size, (last) => last.id);
    },
  );

  api.get(
    '/api/v1/sync/runs/:id',
    {
      config: { scope: 'bc:read' },
      schema: {
        tags,
        summary: 'One run',
        params: idParam,
        response: { 200: runWithProgress, ...problemResponses },
      },
    },
    async ({ params: { id } }) => {
      const found = await findRun(db, id);
      if (found === null) throw new RunNotFoundError(id);
      return { ...found, progress: await progress(db, id) };
    },
  );
}
