import { z } from 'zod';
import { listFailures } from '../../../db/runs/failures.ts';
import { BC_KEY } from '../../../db/schema/sync.ts';
import type { Api, ApiContext } from '../../context.ts';
import { problemResponses } from '../../problem-details.ts';
import { idCursor, limit, moment, pageOf, toPage } from '../../schemas.ts';

export const failure = z.object({
  id: z.int(),
  odooId: z.int(),
  code: z.string(),
  message: z.string(),
  runId: z.int(),
  jobId: z.string().nullable(),
  failures: z.int(),
  firstFailedAt: moment,
  lastFailedAt: moment,
  nextAttemptAt: moment,
});

/** BCs that failed for good and wait for their first success. */
export function failureRoutes(api: Api, { db }: ApiContext): void {
  api.get(
    '/api/v1/sync/failures',
    {
      config: { scope: 'bc:read' },
      schema: {
        tags: ['sync'],
        summary: 'Open failures, oldest first',
        querystring: z.strictObject({ limit, cursor: idCursor }),
        response: { 200: pageOf(failure), ...problemResponses },
      },
    },
    async ({ query: { limit: size, cursor = 0 } }) => {
      const rows = await listFailures(db, BC_KEY, { limit: size + 1, after: cursor });
      return toPage(rows, size, (last) => last.id);
    },
  );
}
