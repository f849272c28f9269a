import { countDocuments, linesOf, listDocuments } from '../../db/documents-read.ts';
import { listFields } from '../../db/fields.ts';
import type { Api } from '../app.ts';
import { writeCursor } from '../cursor.ts';
import type { ApiDeps } from '../deps.ts';
import { documentPage, presentDocument } from '../documents.ts';
import { listQuery, readListQuery } from '../list-query.ts';
import { problemResponses } from '../problem.ts';
import { toPage } from '../schemas.ts';

/** The list of BCs: filtered, sorted, page by page. */
export function bcListRoute(api: Api, { config, db }: ApiDeps): void {
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
    async ({ query }) => {
      const { documents, list } = readListQuery(query, await listFields(db, config.model));
      const [rows, total] = await Promise.all([
        listDocuments(db, { ...documents, limit: query.limit + 1 }),
        query.count === undefined ? undefined : countDocuments(db, documents.filter),
      ]);
      const page = toPage(rows, query.limit, (last) => writeCursor(list, last));
      const ids = page.items.map((row) => row.odooId);
      const lines =
        query.include === undefined ? undefined : await linesOf(db, ids, query.archived !== 'exclude');
      return {
        items: page.items.map((row) => presentDocument(row, lines?.get(row.odooId))),
        nextCursor: page.nextCursor,
        ...(total === undefined ? {} : { total }),
      };
    },
  );
}
