import { z } from 'zod';
import { readChanges } from '../../../db/documents/change-feed.ts';
import type { Api, ApiContext } from '../../context.ts';
import { problemResponses } from '../../problem-details.ts';
import { pageJson, sendJson, whileClientWaits } from '../../replies.ts';
import { limitWithinBytes } from '../../schemas.ts';
import { readFeedCursor, writeFeedCursor } from './cursors.ts';
import { createFieldCatalogCache } from './fields-cache.ts';
import { fieldsParameter, includeParameter, lineFieldsParameter, readChoice } from './query.ts';
import { changePage } from './schemas.ts';

const feedQuery = z.strictObject({
  after: z
    .string()
    .max(200)
    .optional()
    .describe('nextCursor of the answer before, however long ago; without it the feed begins'),
  limit: limitWithinBytes,
  fields: fieldsParameter,
  include: includeParameter,
  line_fields: lineFieldsParameter,
});

/** The BCs that changed after a cursor, for clients that keep a copy. */
export function bcChangesRoute(api: Api, deps: ApiContext): void {
  const { db, reserveDb } = deps;
  const withFields = createFieldCatalogCache(deps);
  api.get(
    '/api/v1/bc/changes',
    {
      config: { scope: 'bc:read' },
      schema: {
        tags: ['bc'],
        summary: 'BCs that changed since a cursor, each as it is now',
        querystring: feedQuery,
        response: { 200: changePage, ...problemResponses },
      },
    },
    async ({ query }, reply) => {
      const after = query.after === undefined ? null : readFeedCursor(query.after);
      const cancelling = { signal: whileClientWaits(reply)(), canceller: reserveDb };
      const { items, next, hasMore, restarted } = await withFields(
        (known) => readChoice(query, known, 'whole'),
        (choice) => readChanges(db, { ...choice, after, limit: query.limit }, cancelling),
      );
      return sendJson(reply, pageJson(items, writeFeedCursor(next), { hasMore, restarted }));
    },
  );
}
