import { once } from 'node:events';
import { get } from 'node:http';
import type { AddressInfo } from 'node:net';
import { connect } from 'node:net';
import { sql } from 'drizzle-orm';
import type { FastifyPluginCallback, FastifyRequest } from 'fastify';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createLogger } from '../../../src/shared/logger.ts';
import { waitFor } from '../../support/wait-for.ts';
import type { TestApi } from '../http/start-api.ts';
import { bearer, startApi } from '../http/start-api.ts';
import { saveTestFields } from './rows.ts';

const PATH = '/api/v1/bc/export';
const LATE = 'x-handled-late';

/** Requests that are held until their connection is gone, and those of them whose handler runs. */
const seen = { held: 0, handled: 0 };

const holding: FastifyPluginCallback = (app, _options, done) => {
  const isLate = ({ headers }: FastifyRequest) => headers[LATE] !== undefined;
  app.addHook('onRequest', async (request, reply) => {
    if (!isLate(request)) return;
    seen.held += 1;
    await once(reply.raw, 'close');
  });
  app.addHook('preHandler', async (request) => {
    if (isLate(request)) seen.handled += 1;
  });
  done();
};
Object.assign(holding, { [Symbol.for('skip-override')]: true });

/** Faults of our own in the log. */
const errors: object[] = [];
const log = createLogger('silent', 'test');
Object.assign(log, { error: (line: object) => errors.push(line), child: () => log });

let api: TestApi;
let url: string;
beforeAll(async () => {
  // Traces are made by a plugin that comes before all others.
  api = await startApi({}, { log, tracing: { http: holding } });
  url = await api.app.listen({ port: 0 });
  await saveTestFields(api.db);
  // More than what fits between PostgreSQL and a client that does not read.
  await api.db.execute(sql`
    insert into scrap_dimagaz_bc (odoo_id, fields, content_hash, fetch_seq, fetched_at, synced_at)
    select id, jsonb_build_object('id', id, 'note', repeat(md5(id::text), 28)),
      'hash', 1, now(), now() from generate_series(1, 2000) as id`);
});
afterAll(() => {
  api.app.server.closeAllConnections();
  return api.close();
});

/** Processes of PostgreSQL that are inside an export. */
const exporting = async () =>
  (
    await api.db.execute(sql`
      select from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()
        and query ~ '^(fetch|declare export)' and state <> 'idle'`)
  ).length;

const roomAgain = () =>
  waitFor(async () => (await api.inject(`${PATH}?q=nothing`)).statusCode === 200, 'a place to be free');

test('who leaves before the export begins takes no place, no connection and no transaction', async () => {
  for (let left = 1; left <= 3; left += 1) {
    const request = get(url + PATH, { headers: { ...bearer(api.key), [LATE]: 'yes' } });
    request.on('error', () => {});
    await waitFor(() => seen.held === left, 'the request to arrive');
    request.destroy();
    await waitFor(() => seen.handled === left, 'its handler to run');
  }
  await roomAgain();
  await waitFor(async () => (await exporting()) === 0, 'the end of every export');
  expect(errors).toEqual([]);
});

test('an export that waits behind another one of its connection ends with that connection', async () => {
  const other = await api.reserve();
  try {
    await other`begin`;
    await other`lock table scrap_dimagaz_bc in access exclusive mode`;
    const socket = connect((api.app.server.address() as AddressInfo).port);
    const ask = (path: string, { authorization }: { authorization: string }) =>
      `GET ${path} HTTP/1.1\r\nHost: api\r\nAuthorization: ${authorization}\r\n\r\n`;
    const second = await api.headerOf({ scopes: ['bc:read'] });
    socket.write(ask(PATH, bearer(api.key)) + ask(PATH, second) + ask(`/admin${PATH}`, api.admin));
    await waitFor(async () => (await exporting()) === 3, 'the queries that wait');
    socket.destroy();
    await waitFor(async () => (await exporting()) === 0, 'the end of every export');
  } finally {
    await other`rollback`;
    other.release();
  }
  await roomAgain();
  expect(errors).toEqual([]);
});
