import { z } from 'zod';
import type { Queryable } from '../../../db/client.ts';
import { cancellable } from '../../../db/client.ts';
import { listChanges } from '../../../db/documents/audit-log.ts';
import type { DocumentFilter } from '../../../db/documents/filters.ts';
import {
  countDocuments,
  estimateDocuments,
  readDocument,
  readDocuments,
  readLines,
} from '../../../db/documents/queries.ts';
import type { Api, ApiContext } from '../../context.ts';
import { BcNotFoundError } from '../../errors.ts';
import { requireDocument } from '../../preconditions.ts';
import { problemResponses } from '../../problem-details.ts';
import { pageJson, sendJson, whileClientWaits } from '../../replies.ts';
import { idCursor, limit, limitWithinBytes, odooIdParam, pageOf, toPage } from '../../schemas.ts';
import { writeCursor } from './cursors.ts';
import { createFieldCatalogCache } from './fields-cache.ts';
import {
  fieldsParameter,
  includeParameter,
  type ListQuery,
  lineFieldsParameter,
  listQuery,
  readChoice,
  readListQuery,
  readPick,
} from './query.ts';
import { change, document, documentPage, line } from './schemas.ts';

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
export function bcRoutes(api: Api, deps: ApiContext): void {
  const { db } = deps;
  const withFields = createFieldCatalogCache(deps);
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

/** The list of BCs: filtered, sorted, page by page. */
export function bcListRoute(api: Api, deps: ApiContext): void {
  const { db, reserveDb } = deps;
  const withFields = createFieldCatalogCache(deps);
  api.get(
    '/api/v1/bc',
    {
      config: { scope: 'bc:read' },
      schema: {
        tags: ['bc'],
        summary: 'BCs of the mirror',
        querystring: listQuery,
        response: { 200: documentPage, ...problemResponses },
      },
    },
    async ({ query }, reply) => {
      const cancelling = { signal: whileClientWaits(reply)(), canceller: reserveDb };
      const { page, list, total } = await withFields(
        (fields) => readListQuery(query, fields),
        async ({ documents, list }) => {
          const [page, total] = await cancellable(db, cancelling, (tx) =>
            Promise.all([readDocuments(tx, documents), totalOf(tx, query.count, documents.filter)]),
          );
          return { page, list, total, fieldsVersion: page.fieldsVersion };
        },
      );
      const nextCursor = page.next === null ? null : writeCursor(list, page.next);
      return sendJson(reply, pageJson(page.items, nextCursor, total));
    },
  );
}

async function totalOf(db: Queryable, count: ListQuery['count'], filter: DocumentFilter) {
  if (count === undefined) return {};
  return count === 'exact'
    ? { total: await countDocuments(db, filter), totalIsEstimate: false }
    : { total: await estimateDocuments(db, filter), totalIsEstimate: true };
}

/** The changes of a BC, with their runs. */
export function bcHistoryRoute(api: Api, { db }: ApiContext): void {
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
