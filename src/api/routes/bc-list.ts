import type { Database } from '../../db/connection.ts';
import { countDocuments, estimateDocuments } from '../../db/documents-count.ts';
import type { DocumentFilter } from '../../db/documents-filter.ts';
import { readDocuments } from '../../db/documents-read.ts';
import type { Api } from '../app.ts';
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
  const { db } = deps;
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
      const { page, list, total } = await withFields(
        (fields) => readListQuery(query, fields),
        async ({ documents, list }) => {
          const [page, total] = await Promise.all([
            readDocuments(db, documents),
            totalOf(db, query.count, documents.filter),
          ]);
          return { page, list, total, fieldsVersion: page.fieldsVersion };
        },
      );
      const nextCursor = page.next === null ? null : writeCursor(list, page.next);
      return sendJson(reply, pageJson(page.items, nextCursor, total));
    },
  );
}

async function totalOf(db: Database, count: ListQuery['count'], filter: DocumentFilter) {
  if (count === undefined) return {};
  return count === 'exact'
    ? { total: await countDocuments(db, filter), totalIsEstimate: false }
    : { total: await estimateDocuments(db, filter), totalIsEstimate: true };
}
