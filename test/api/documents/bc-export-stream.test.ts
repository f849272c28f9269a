import { once } from 'node:events';
import { get } from 'node:http';
import { connect } from 'node:net';
import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { waitFor } from '../../support/wait-for.ts';
import type { TestApi } from '../http/start-api.ts';
import { bearer, startApi } from '../http/start-api.ts';
import { askExport, MEGABYTE, memory, readAll } from './export-client.ts';
import { saveTestFields } from './rows.ts';

const BCS = 100_000;

let api: TestApi;
let url: string;
beforeAll(async () => {
  api = await startApi();
  url = await api.app.listen({ port: 0 });
  await saveTestFields(api.db);
  // About a kilobyte each: a hundred megabytes, were they held.
  await api.db.execute(sql`
    insert into scrap_dimagaz_bc (odoo_id, fields, content_hash, fetch_seq, fetched_at, synced_at)
    select id, jsonb_build_object('id', id, 'name', 'BC ' || id, 'note', repeat(md5(id::text), 28)),
      'hash', 1, now(), now() from generate_series(1, ${BCS}::int) as id`);
});
afterAll(() => {
  api.app.server.closeAllConnections();
  return api.close();
});

const ask = (query: string, headers: Record<string, string> = {}, mount = '/api') =>
  askExport(`${url}${mount}`, query, {
    ...(mount === '/admin/api' ? api.admin : bearer(api.key)),
    ...headers,
  });

/** Processes of PostgreSQL that are inside an export, also if it waits for its client. */
const exporting = async () =>
  (
    await api.db.execute<{ pid: number }>(sql`
      select pid from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()
        and query ~ '^(fetch|declare export)' and state <> 'idle'`)
  ).map(({ pid }) => pid);

const idle = () => waitFor(async () => (await exporting()).length === 0, 'the end of every export');

test.each(['csv', 'ndjson'])('a hundred thousand BCs pass as %s without being held', async (format) => {
  const { bytes, lines, held } = await readAll(await ask(`format=${format}`));
  expect(lines).toBe(format === 'csv' ? BCS + 1 : BCS);
  expect(bytes).toBeGreaterThan(90 * MEGABYTE);
  expect(held).toBeGreaterThan(0);
  expect(held).toBeLessThan(32 * MEGABYTE);
});

test('a client that does not read holds no memory, and its query ends when it leaves', async () => {
  const before = await memory();
  const answer = await ask('format=ndjson');
  // While another export passes, all of this one would pile up, did it not wait for its reader.
  await readAll(await ask('format=ndjson', {}, '/admin/api'));
  expect(await exporting()).toHaveLength(1);
  expect((await memory()) - before).toBeLessThan(32 * MEGABYTE);
  answer.destroy();
  await idle();
});

test('who leaves while PostgreSQL works stops it', async () => {
  const other = await api.reserve();
  try {
    await other`begin`;
    await other`lock table scrap_dimagaz_bc in access exclusive mode`;
    const request = get(`${url}/api/v1/bc/export`, { headers: bearer(api.key) });
    request.on('error', () => {});
    await waitFor(async () => (await exporting()).length === 1, 'the query that waits');
    request.destroy();
    await idle();
  } finally {
    await other`rollback`;
    other.release();
  }
});

test.each([undefined, 'gzip'])('a file that breaks off does not look whole (%s)', async (encoding) => {
  const answer = await ask('format=ndjson', encoding === undefined ? {} : { 'accept-encoding': encoding });
  const [pid] = await waitFor(async () => {
    const pids = await exporting();
    return pids.length > 0 && pids;
  }, 'the export');
  await api.db.execute(sql`select pg_terminate_backend(${pid ?? 0}::int)`);
  await expect(readAll(answer)).rejects.toThrow('aborted');
  expect(answer.complete).toBe(false);
});

/** An export that runs; one of a test before may be about to leave its place. */
const running = (headers: Record<string, string>, mount = '/api') =>
  waitFor(async () => {
    const answer = await ask('format=ndjson', headers, mount);
    if (answer.statusCode === 200) return answer;
    answer.destroy();
    return false;
  }, 'a place');

/** The answer to an export of a few BCs. */
const brief = (headers: Record<string, string>, mount = '/api') =>
  api.app.inject({ url: `${mount}/v1/bc/export?archived=only`, headers });

test('each key has one export, all keys two, and the admin pages one that no key takes', async () => {
  const keys = await Promise.all([1, 2, 3].map(() => api.headerOf({ scopes: ['bc:read'] })));
  const [first, second, third] = keys as [
    { authorization: string },
    { authorization: string },
    typeof api.admin,
  ];
  const refuses = async (headers: { authorization: string }, whose: string, mount?: string) => {
    const answer = await brief(headers, mount);
    expect([answer.statusCode, answer.json().code]).toEqual([503, 'too_many_exports']);
    expect(answer.json().detail).toContain(`export of ${whose} is running`);
    expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0);
  };
  const answers = [await running(first)];
  try {
    await refuses(first, 'this key');
    answers.push(await running(second));
    await refuses(third, 'other keys');
    expect((await brief(api.admin, '/admin/api')).statusCode).toBe(200);
    answers.push(await running(api.admin, '/admin/api'));
    await refuses(api.admin, 'the admin pages', '/admin/api');
    await refuses(third, 'other keys');
  } finally {
    for (const answer of answers) answer.destroy();
  }
  for (const headers of keys) {
    await waitFor(async () => (await brief(headers)).statusCode === 200, 'room again');
  }
});

test('a client that stops reading is cut off, and gives back its place and its snapshot', async () => {
  const strict = await startApi({}, { db: api.db }, { exportPieceMs: 300 });
  try {
    const strictUrl = await strict.app.listen({ port: 0 });
    const headers = await api.headerOf({ scopes: ['bc:read'] });
    const stalled = connect(Number(new URL(strictUrl).port));
    stalled.on('error', () => {});
    const asked = 'GET /api/v1/bc/export?format=ndjson HTTP/1.1\r\nHost: api\r\n';
    stalled.pause().write(`${asked}Authorization: ${headers.authorization}\r\n\r\n`);
    await waitFor(async () => (await exporting()).length === 1, 'the export');
    await waitFor(async () => (await exporting()).length === 0, 'the end of its transaction');
    const again = () => strict.app.inject({ url: '/api/v1/bc/export?archived=only', headers });
    await waitFor(async () => (await again()).statusCode === 200, 'its place');
    // The client itself did nothing: the server closed the connection.
    expect([stalled.destroyed, stalled.bytesRead]).toEqual([false, expect.any(Number)]);
    const ended = once(stalled, 'close');
    stalled.resume();
    await ended;
  } finally {
    strict.app.server.closeAllConnections();
    await strict.close();
  }
});
