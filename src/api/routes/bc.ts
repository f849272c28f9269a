import { z } from 'zod';
import { linesOf, listLines } from '../../db/documents-read.ts';
import { listFields } from '../../db/fields.ts';
import type { Api } from '../app.ts';
import type { ApiDeps } from '../deps.ts';
import { document, line, presentDocument, presentLine } from '../documents.ts';
import { requireDocument } from '../guards.ts';
import { fieldsParameter, includeParameter, readPick } from '../list-query.ts';
import { problemResponses } from '../problem.ts';
import { idCursor, limit, odooIdParam, pageOf, toPage } from '../schemas.ts';

/** One BC and its lines. */
export function bcRoutes(api: Api, { config, db }: ApiDeps): void {
  api.get(
    '/api/v1/bc/:odooId',
    {
      config: { scope: 'bc:read' },
      schema: {
        tags: ['bc'],
        summary: 'One BC, also when it is gone from Odoo',
        params: odooIdParam,
        querystring: z.strictObject({ fields: fieldsParameter, include: includeParameter }),
        response: { 200: document, ...problemResponses },
      },
    },
    async ({ params: { odooId }, query: { fields, include } }) => {
      const pick = fields === undefined ? null : readPick(fields, await listFields(db, config.model));
      const found = await requireDocument(db, odooId, pick);
      const lines =
        include === undefined ? undefined : await linesOf(db, [odooId], found.archivedAt !== null);
      return presentDocument(found, lines?.get(odooId));
    },
  );

  const archived = z.enum(['exclude', 'include']).default('exclude');
  api.get(
    '/api/v1/bc/:odooId/lines',
    {
      config: { scope: 'bc:read' },
      schema: {
        tags: ['bc'],
        summary: 'The lines of a BC, by Odoo id',
        params: odooIdParam,
        querystring: z.strictObject({ limit, cursor: idCursor, archived }),
        response: { 200: pageOf(line), ...problemResponses },
      },
    },
    async ({ params: { odooId }, query }) => {
      const { archivedAt } = await requireDocument(db, odooId, []);
      const rows = await listLines(db, odooId, {
        limit: query.limit + 1,
        after: query.cursor ?? 0,
        // The lines of an archived BC are archived with it.
        archived: archivedAt !== null || query.archived === 'include',
      });
      return toPage(rows.map(presentLine), query.limit, (last) => last.odooId);
    },
  );
}
