import { z } from 'zod';
import { listFailures } from '../../../db/runs/failures.ts';
import type { Api, ApiContext } from '../../context.ts';
import { idCursor, limit, moment, pageOf, toPage } from '../../schemas.ts';
import { findServed, mirrorOrBc, type ServedMirrors } from '../documents/place.ts';

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

const example = {
  ...{ id: 12, odooId: 42, code: 'odoo_access_denied', message: 'Odoo refused to read dimagaz.bc 42.' },
  ...{ runId: 311, jobId: 'bc-311-42', failures: 2, firstFailedAt: '2026-01-31T07:01:03.000Z' },
  ...{ lastFailedAt: '2026-01-31T08:01:03.000Z', nextAttemptAt: '2026-01-31T08:31:03.000Z' },
};

export function failureRoutes(api: Api, { db }: ApiContext, mirrors: ServedMirrors): void {
  api.get(
    '/api/v1/sync/failures',
    {
      config: { scope: 'bc:read', problems: ['mirror_not_found'] },
      schema: {
        tags: ['sync'],
        summary: 'Open failures, oldest first',
        description:
          'BCs that could not be stored. Later runs retry them; the first success closes a failure.',
        querystring: z.strictObject({ mirror: mirrorOrBc, limit, cursor: idCursor }),
        response: { 200: pageOf(failure, example) },
      },
    },
    async ({ query: { mirror, limit: size, cursor = 0 } }) => {
      const { key } = findServed(mirrors, mirror);
      const rows = await listFailures(db, key, { limit: size + 1, after: cursor });
      return toPage(rows, size, (last) => last.id);
    },
  );
}
