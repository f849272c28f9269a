import { z } from 'zod';
import { readChanges } from '../../db/feed.ts';
import type { Api } from '../app.ts';
import type { ApiDeps } from '../deps.ts';
import { changePage } from '../documents.ts';
import { readFeedCursor, writeFeedCursor } from '../feed-cursor.ts';
import { createFieldBook } from '../field-book.ts';
import { fieldsParameter, includeParameter, readPick } from '../list-query.ts';
import { problemResponses } from '../problem.ts';
import { limit } from '../schemas.ts';
import { pageJson, sendJson } from '../send-json.ts';

const query = z.strictObject({
  after: z
    .string()
    .max(200)
    .optional()
    .describe('nextCursor of the answer before, however long ago; without it the feed begins'),
  limit,
  fields: fieldsParameter,
  include: includeParameter,
});

/** What became of the BCs since a cursor, for copies that are to be kept in step. */
export function bcChangesRoute(api: Api, { config, db }: ApiDeps): void {
  const withFields = createFieldBook(db, config.model);
  api.get(
    '/api/v1/bc/changes',
    {
      config: { scope: 'bc:read' },
      schema: {
        tags: ['bc'],
        summary: 'BCs that changed since a cursor, each as it is now',
        querystring: query,
        response: { 200: changePage, ...problemResponses },
      },
    },
    async ({ query: { after, limit: size, fields, include } }, reply) => {
      const from = after === undefined ? null : readFeedCursor(after);
      const lines = include === undefined ? 'none' : 'asTheirs';
      const { items, next, hasMore, restarted } = await withFields(
        (known) => readPick(fields, known),
        (pick) => readChanges(db, { model: config.model, after: from, limit: size, pick, lines }),
      );
      return sendJson(reply, pageJson(items, writeFeedCursor(next), { hasMore, restarted }));
    },
  );
}
