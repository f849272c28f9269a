import { z } from 'zod';
import { listChanges } from '../../db/audit-read.ts';
import type { Api } from '../app.ts';
import type { ApiDeps } from '../deps.ts';
import { change } from '../documents.ts';
import { requireDocument } from '../guards.ts';
import { problemResponses } from '../problem.ts';
import { idCursor, limit, odooIdParam, pageOf, toPage } from '../schemas.ts';

/** What changed in a BC, and which run brought it. */
export function bcHistoryRoute(api: Api, { db }: ApiDeps): void {
  api.get(
    '/api/v1/bc/:odooId/history',
    {
      config: { scope: 'bc:read' },
      schema: {
        tags: ['bc'],
        summary: 'The changes of a BC, newest first',
        params: odooIdParam,
        querystring: z.strictObject({ limit, cursor: idCursor }),
        response: { 200: pageOf(change), ...problemResponses },
      },
    },
    async ({ params: { odooId }, query: { limit: size, cursor } }) => {
      await requireDocument(db, odooId);
      const rows = await listChanges(db, odooId, { limit: size + 1, before: cursor });
      const changes = rows.map((row) => ({ ...row, changes: { ...row.changes } }));
      return toPage(changes, size, (last) => last.id);
    },
  );
}
