import { z } from 'zod';
import { readChanges } from '../../../db/documents/change-feed.ts';
import { bcStore } from '../../../db/documents/tables.ts';
import { type Api, type ApiContext, bcMirror } from '../../context.ts';
import { pageJson, sendJson, whileClientWaits } from '../../replies.ts';
import { doc, limitWithinBytes } from '../../schemas.ts';
import { readFeedCursor, writeFeedCursor } from './cursors.ts';
import { createFieldCatalogCache } from './fields-cache.ts';
import { fieldsParameter, includeParameter, lineFieldsParameter, readChoice } from './query.ts';
import { changePage, exampleFeedCursor } from './schemas.ts';

const feedQuery = z.strictObject({
  after: z
    .string()
    .max(200)
    .optional()
    .meta(
      doc('nextCursor of the answer before, however long ago; without it the feed begins', exampleFeedCursor),
    ),
  limit: limitWithinBytes,
  fields: fieldsParameter,
  include: includeParameter,
  line_fields: lineFieldsParameter,
});

export function bcChangesRoute(api: Api, deps: ApiContext): void {
  const { reserveDb } = deps;
  const store = bcStore(deps.db);
  const withFields = createFieldCatalogCache(deps.db, bcMirror(deps.config));
  api.get(
    '/api/v1/bc/changes',
    {
      config: { scope: 'bc:read', problems: ['bad_cursor', 'unknown_field', 'lines_not_included'] },
      schema: {
        tags: ['bc'],
        summary: 'BCs that changed since a cursor, each as it is now',
        description:
          'The change feed, for clients that keep a copy. Each BC is returned once, at its last change, with its ' +
          'current content; archived BCs too. Store the items by odooId, then store nextCursor and send it as ' +
          '`after`: at once while hasMore is true, later otherwise. No change is lost between two answers, and a ' +
          'cursor never expires. After a restore or move of the database the feed may start from the beginning, with ' +
          '`restarted`. A save in Odoo that only changed write_date is not a change.',
        querystring: feedQuery,
        response: { 200: changePage },
      },
    },
    async ({ query }, reply) => {
      const after = query.after === undefined ? null : readFeedCursor(query.after);
      const cancelling = { signal: whileClientWaits(reply)(), canceller: reserveDb };
      const { items, next, hasMore, restarted } = await withFields(
        (known) => readChoice(query, known, 'whole'),
        (choice) => readChanges(store, { ...choice, after, limit: query.limit }, cancelling),
      );
      return sendJson(reply, pageJson(items, writeFeedCursor(next), { hasMore, restarted }));
    },
  );
}
