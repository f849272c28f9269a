import { fastify } from 'fastify';
import { openClient } from '../../src/db/client.ts';

/** The message to the process: the query that the API sends. */
export interface BareQuery {
  readonly query: string;
  readonly params: readonly string[];
}

/** The message to the parent once the route listens. */
export interface BareReady {
  readonly url: string;
}

/**
 * The yardstick in a process of its own: a Fastify route that sends PostgreSQL the query of the API, over the same
 * driver and as many connections, and answers with its text. No keys, limits, checks, cursors or logs.
 */
const [databaseUrl = '', given = ''] = process.argv.slice(2);
const { query, params } = JSON.parse(given) as BareQuery;
const client = openClient(databaseUrl, 10);
const app = fastify();
app.get('/', async (_, reply) => {
  const [row] = await client.unsafe<{ items: string }[]>(query, [...params]);
  return reply.type('application/json; charset=utf-8').send(row?.items);
});
const url = await app.listen({ host: '127.0.0.1', port: 0 });
process.on('disconnect', () => process.exit(0));
const ready: BareReady = { url };
process.send?.(ready);
