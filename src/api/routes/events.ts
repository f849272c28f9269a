import { z } from 'zod';
import type { Api } from '../app.ts';
import { whileClientWaits } from '../client-gone.ts';
import { sendEvents } from '../event-stream.ts';
import { problemResponses } from '../problem.ts';
import type { StateFeed } from '../state-feed.ts';

/** The state of the mirror as it changes. */
export function eventsRoute(api: Api, feed: StateFeed): void {
  api.get(
    '/api/v1/sync/events',
    {
      config: { scope: 'bc:read' },
      exposeHeadRoute: false,
      schema: {
        tags: ['sync'],
        summary: 'The state of the mirror as it changes, as server-sent events',
        description:
          'An event `state` at once, then whenever it changed, at most each second: its data is what GET /api/v1/sync ' +
          'answers. ageSeconds and elapsedMs alone are no change. While the state cannot be read, or PostgreSQL keeps ' +
          'silent for 15 s, one event `problem`. Every 15 s an event `beat` with `{}`: where two in a row fail to come, ' +
          'the connection is dead. The stream ends when its key is revoked or expires, and when the server stops; ask again after 3 s.',
        response: {
          200: {
            description: 'Events',
            content: { 'text/event-stream': { schema: z.string() } },
          },
          ...problemResponses,
        },
      },
    },
    async (request, reply) => {
      const events = await feed.open(request.apiKey?.id ?? null);
      const gone = whileClientWaits(reply)();
      if (gone.aborted) events.destroy();
      else gone.addEventListener('abort', () => events.destroy(), { once: true });
      return sendEvents(reply, events);
    },
  );
}
