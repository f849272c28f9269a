import { z } from 'zod';
import { readDocument, readLines } from '../../db/documents-read.ts';
import type { Api } from '../app.ts';
import type { ApiDeps } from '../deps.ts';
import { document, line } from '../documents.ts';
import { BcNotFoundError } from '../errors.ts';
import { createFieldBook } from '../field-book.ts';
import { requireDocument } from '../guards.ts';
import { fieldsParameter, includeParameter, readPick } from '../list-query.ts';
import { problemResponses } from '../problem.ts';
import { idCursor, limit, odooIdParam, pageOf } from '../schemas.ts';
import { pageJson, sendJson } from '../send-json.ts';

/** One BC and its lines. */
export function bcRoutes(api: Api, { config, db }: ApiDeps): void {
  const withFields = createFieldBook(db, config.model);
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
    async ({ params: { odooId }, query }, reply) => {
      const lines = query.include === undefined ? 'none' : 'asTheirs';
      const { item } = await withFields(
        (fields) => readPick(query.fields, fields),
        (pick) => readDocument(db, odooId, { model: config.model, pick, lines }),
      );
      if (item === null) throw new BcNotFoundError(odooId);
      return sendJson(reply, item);
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
    async ({ params: { odooId }, query: { limit: size, cursor, archived: which } }, reply) => {
      const wanted = { limit: size, after: cursor ?? 0, archived: which === 'include' };
      const { items, next } = await readLines(db, odooId, wanted);
      if (items === '[]') await requireDocument(db, odooId);
      return sendJson(reply, pageJson(items, next === null ? null : String(next)));
    },
  );
}
