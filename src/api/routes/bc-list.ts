import { cancellable } from '../../db/cancel.ts';
import type { Queryable } from '../../db/connection.ts';
import { countDocuments, estimateDocuments } from '../../db/documents-count.ts';
import type { DocumentFilter } from '../../db/documents-filter.ts';
import { readDocuments } from '../../db/documents-read.ts';
import type { Api } from '../app.ts';
import { whileClientWaits } from '../client-gone.ts';
import { writeCursor } from '../cursor.ts';
import type { ApiDeps } from '../deps.ts';
import { documentPage } from '../documents.ts';
import { createFieldBook } from '../field-book.ts';
import type { ListQuery } from '../list-query.ts';
import { listQuery, readListQuery } from '../list-query.ts';
import { problemResponses } from '../problem.ts';
import { pageJson, sendJson } from '../send-json.ts';

/** The list of BCs: filtered, sorted, page by page. */
export function bcListRoute(api: Api, deps: ApiDeps): void {
  const { db, reserveDb } = deps;
  const withFields = createFieldBook(deps);
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
