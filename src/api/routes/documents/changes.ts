import { z } from 'zod';
import { readChanges } from '../../../db/documents/change-feed.ts';
import type { Api, ApiContext } from '../../context.ts';
import { pageJson, sendJson, whileClientWaits } from '../../replies.ts';
import { doc, limitWithinBytes } from '../../schemas.ts';
import { readFeedCursor, writeFeedCursor } from './cursors.ts';
import type { Place } from './place.ts';
import { fieldsParameter, lineFieldsParameter, linesParameter, readChoice } from './query.ts';
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
  include: linesParameter,
  line_fields: lineFieldsParameter,
});

export function changesRoute(api: Api, { reserveDb }: ApiContext, place: Place): void {
  api.get(
    `${place.path}/changes`,
    {
      config: {
        ...place.config,
        scope: 'bc:read',
        problems: [...place.problems, 'bad_cursor', 'unknown_field', 'lines_not_included'],
      },
      schema: {
        tags: [place.tag],
        summary: 'BCs that changed since a cursor, each as it is now',
        description:
          'The change feed, for clients that keep a copy. Each BC is returned once, at its last change, with its ' +
          'current content; archived BCs too. Store the items by odooId, then store nextCursor and send it as ' +
          '`after`: at once while hasMore is true, later otherwise. No change is lost between two answers, and a ' +
          'cursor never expires. After a restore or move of the database the feed may start from the beginning, with ' +
          '`restarted`. A save in Odoo that only changed write_date is not a change.',
        params: place.params,
        querystring: feedQuery,
        response: { 200: changePage },
      },
    },
    async ({ params, query }, reply) => {
      const { store, withFields } = place.served(params);
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
