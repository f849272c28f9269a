import { fastify } from 'fastify';
import { Redis } from 'ioredis';
import { openClient } from '../../src/db/client.ts';

/**
 * The baseline of the API in a process of its own: a Fastify route that reads one JSON text and sends it. It has no
 * keys, limits, checks, cursors or logs.
 *
 * Arguments: a `Source` as JSON. It sends its parent one message with its URL.
 */

/** The source of the JSON text: a key of Redis, or the query that the API sends, over as many connections. */
export type Source =
  | { readonly redisUrl: string; readonly key: string }
  | { readonly databaseUrl: string; readonly query: string; readonly params: readonly string[] };

const CONNECTIONS = 10;

function reader(source: Source): () => Promise<string | null | undefined> {
  if ('redisUrl' in source) {
    const redis = new Redis(source.redisUrl);
    return () => redis.get(source.key);
  }
  const client = openClient(source.databaseUrl, CONNECTIONS);
  return async () => {
    const [row] = await client.unsafe<{ items: string }[]>(source.query, [...source.params]);
    return row?.items;
  };
}

const read = reader(JSON.parse(process.argv[2] ?? '') as Source);
const app = fastify();
app.route({
  ...{ method: ['GET', 'POST'], url: '/' },
  handler: async (_, reply) => reply.type('application/json; charset=utf-8').send(await read()),
});
const url = await app.listen({ host: '127.0.0.1', port: 0 });
process.on('disconnect', () => process.exit(0));
process.send?.({ url });
