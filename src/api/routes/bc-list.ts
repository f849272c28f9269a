import { countDocuments, readDocuments } from '../../db/documents-read.ts';
import type { Api } from '../app.ts';
import { writeCursor } from '../cursor.ts';
import type { ApiDeps } from '../deps.ts';
import { documentPage } from '../documents.ts';
import { createFieldBook } from '../field-book.ts';
import { listQuery, readListQuery } from '../list-query.ts';
import { problemResponses } from '../problem.ts';
import { pageJson, sendJson } from '../send-json.ts';

/** The list of BCs: filtered, sorted, page by page. */
export function bcListRoute(api: Api, { config, db }: ApiDeps): void {
  const withFields = createFieldBook(db, config.model);
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
            readDocuments(db, { ...documents, model: config.model }),
            query.count === undefined ? undefined : countDocuments(db, documents.filter),
          ]);
          return { page, list, total, fieldsVersion: page.fieldsVersion };
        },
      );
      const nextCursor = page.next === null ? null : writeCursor(list, page.next);
      return sendJson(reply, pageJson(page.items, nextCursor, { total }));
    },
  );
}
