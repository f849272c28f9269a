import { z } from 'zod';
import { readDocument, readLines } from '../../db/documents-read.ts';
import type { Api } from '../app.ts';
import type { ApiDeps } from '../deps.ts';
import { document, line } from '../documents.ts';
import { BcNotFoundError } from '../errors.ts';
import { createFieldBook } from '../field-book.ts';
import { requireDocument } from '../guards.ts';
import {
  fieldsParameter,
  includeParameter,
  lineFieldsParameter,
  readChoice,
  readPick,
} from '../list-query.ts';
import { problemResponses } from '../problem.ts';
import { idCursor, limitWithinBytes, odooIdParam, pageOf } from '../schemas.ts';
import { pageJson, sendJson } from '../send-json.ts';

const oneQuery = z.strictObject({
  fields: fieldsParameter,
  include: includeParameter,
  line_fields: lineFieldsParameter,
});

const archived = z
  .enum(['exclude', 'include'])
  .default('exclude')
  .describe('include lines that left the BC; an archived BC is always returned with its last lines');

/** One BC and its lines. */
export function bcRoutes(api: Api, deps: ApiDeps): void {
  const { db } = deps;
  const withFields = createFieldBook(deps);
  api.get(
    '/api/v1/bc/:odooId',
    {
      config: { scope: 'bc:read' },
      schema: {
        tags: ['bc'],
        summary: 'One BC, also when it is gone from Odoo',
        params: odooIdParam,
        querystring: oneQuery,
        response: { 200: document, ...problemResponses },
      },
    },
    async ({ params: { odooId }, query }, reply) => {
      const { item } = await withFields(
        (known) => readChoice(query, known, 'whole'),
        (choice) => readDocument(db, odooId, choice),
      );
      if (item === null) throw new BcNotFoundError(odooId);
      return sendJson(reply, item);
    },
  );

  api.get(
    '/api/v1/bc/:odooId/lines',
    {
      config: { scope: 'bc:read' },
      schema: {
        tags: ['bc'],
        summary: 'The lines of a BC, by Odoo id',
        params: odooIdParam,
        querystring: z.strictObject({
          limit: limitWithinBytes,
          cursor: idCursor,
          archived,
          fields: fieldsParameter,
        }),
        response: { 200: pageOf(line), ...problemResponses },
      },
    },
    async ({ params: { odooId }, query }, reply) => {
      const wanted = { limit: query.limit, after: query.cursor ?? 0, archived: query.archived === 'include' };
      const { items, next } = await withFields(
        (known) => readPick(query.fields, known.line),
        (pick) => readLines(db, odooId, { ...wanted, pick }),
      );
      if (items === '[]') await requireDocument(db, odooId);
      return sendJson(reply, pageJson(items, next === null ? null : String(next)));
    },
  );
}
