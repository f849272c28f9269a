import { describe, expect, it } from 'vitest';
import { createMemorySessionStore } from '../../../src/tryton/session/memory-store.ts';
import { waitFor } from '../../support/wait-for.ts';
import { clientAndServer, clientOf, thrownBy } from './clients.ts';
import type { Script } from './scripted-server.ts';
import { hangUp, page, result, scriptedServer, tryton70 } from './scripted-server.ts';

const READ = 'model.party.party.read';
const WRITE = 'model.party.party.write';
const session = { userId: 7, key: 'given' };

/** Fails the first calls, then answers. */
const failing = (failures: number, fail: Script): Script => {
  return (request, response, count) =>
    count <= failures ? fail(request, response, count) : result(request, 'done');
};

const drop: Script = (_, response) => hangUp(response);
const busy =
  (status: number, headers = {}): Script =>
  () => ({ ...page(status), headers });

describe('a read', () => {
  it.each<[string, Script]>([
    ['a dropped connection', drop],
    ['HTTP 502', busy(502)],
    ['HTTP 503', busy(503)],
    ['HTTP 504', busy(504)],
    ['HTTP 502 with a page that is not UTF-8', () => ({ status: 502, body: Buffer.from([0xe9]) })],
    ['HTTP 503 said to be gzip', busy(503, { 'content-encoding': 'gzip' })],
    ['HTTP 503 that asks for a retry at once', busy(503, { 'retry-after': '0' })],
  ])('is tried again after %s', async (_, fail) => {
    const { server, client, outcomes } = await clientAndServer(failing(2, fail), { session });
    expect(await client.call(READ, [[1], []])).toBe('done');
    expect(server.methods()).toEqual([READ, READ, READ]);
    expect(outcomes).toMatchObject([{ method: READ, error: null }]);
  });

  it('is tried again after a timeout', async () => {
    const { server, client } = await clientAndServer(
      failing(1, () => undefined),
      { session, timeoutMs: 1000 },
    );
    expect(await client.call(READ, [[1], []])).toBe('done');
    expect(server.received).toHaveLength(2);
  });

  it('is given up with the last error when the tries are used up', async () => {
    const { server, client, lines } = await clientAndServer(failing(9, busy(502)), { session, retries: 2 });
    expect(await thrownBy(client.call(READ, [[1], []]))).toMatchObject({ code: 'tryton_unavailable' });
    expect(server.received).toHaveLength(3);
    expect(lines).toMatchObject([
      { method: READ, attempt: 1, status: 502, code: 'tryton_unavailable' },
      { method: READ, attempt: 2, status: 502 },
      { method: READ, attempt: 3, status: 502 },
    ]);
  });

  it.each<[string, Script, string]>([
    ['HTTP 429', busy(429), 'tryton_rate_limited'],
    ['HTTP 500', busy(500), 'tryton_error'],
    ['an unusable answer', () => ({ body: '<html>' }), 'tryton_malformed_answer'],
  ])('is not tried again after %s', async (_, fail, code) => {
    const { server, client } = await clientAndServer(failing(1, fail), { session });
    expect(await thrownBy(client.call(READ, [[1], []]))).toMatchObject({ code });
    expect(server.received).toHaveLength(1);
  });
});

describe('a write', () => {
  it.each<[string, Script]>([
    ['a dropped connection', drop],
    ['a timeout', () => undefined],
    ['HTTP 502', busy(502)],
    ['HTTP 503', busy(503)],
    ['HTTP 504', busy(504)],
    ['half an answer', () => ({ body: '{"id":1,' })],
  ])('is sent once, and of unknown fate after %s', async (_, fail) => {
    const { server, client } = await clientAndServer(failing(1, fail), { session, timeoutMs: 500 });
    const error = await thrownBy(client.call(WRITE, [[1], {}]));
    expect(error).toMatchObject({ code: 'tryton_unknown_fate' });
    expect(error.message).toContain('Read before sending it again');
    expect(server.methods()).toEqual([WRITE]);
  });

  it('to a closed port is repeated, and reports that it was not sent', async () => {
    const server = await scriptedServer(() => undefined);
    await server.stop();
    const { client, lines } = clientOf(server.url, { session, retries: 2 });
    expect(await thrownBy(client.call(WRITE, [[1], {}]))).toMatchObject({ code: 'tryton_unreachable' });
    expect(lines).toMatchObject([{ attempt: 1 }, { attempt: 2 }, { attempt: 3 }]);
  });
});

describe('the deadline', () => {
  it('cuts a try that would pass it, and is named', async () => {
    const options = { session, timeoutMs: 60_000, deadlineMs: 300 };
    const { server, client } = await clientAndServer(() => undefined, options);
    const error = await thrownBy(client.call(READ, [[1], []]));
    expect(error).toMatchObject({ code: 'tryton_timeout' });
    expect(error.message).toContain('within 300 ms');
    expect(await thrownBy(client.call(WRITE, [[1], {}]))).toMatchObject({ code: 'tryton_unknown_fate' });
    expect(server.received).toHaveLength(2);
  });

  it('allows no pause that would pass it: the error so far is the answer', async () => {
    const asksForLong = busy(503, { 'retry-after': '3600' });
    const { server, client } = await clientAndServer(failing(1, asksForLong), { session });
    expect(await thrownBy(client.call(READ, [[1], []]))).toMatchObject({
      code: 'tryton_unavailable',
      retryAfterMs: 3_600_000,
    });
    expect(server.received).toHaveLength(1);
  });

  it('ends the wait for a login that others wait for too, and the login goes on', async () => {
    let answer = (): void => expect.fail('no login came');
    const server = await scriptedServer(async (request, response, count) => {
      if (request.method === 'common.db.login')
        await new Promise<void>((resolve) => {
          answer = resolve;
        });
      return tryton70((call) => result(call, 'done'))(request, response, count);
    });
    const { client } = clientOf(server.url, { deadlineMs: 1500 });
    const patient = client.login();
    const error = await thrownBy(client.call(READ, [[1], []]));
    expect(error).toMatchObject({ code: 'tryton_timeout', method: READ });
    answer();
    expect(await patient).toEqual({ userId: 7 });
    expect(await client.call(READ, [[1], []])).toBe('done');
    expect(server.methods()).toEqual(['common.db.login', READ]);
  });
});

describe('a caller who gives up', () => {
  it.each([READ, WRITE])('cuts %s and gets the reason', async (method) => {
    const { server, client, outcomes } = await clientAndServer(() => undefined, { session });
    const controller = new AbortController();
    const reason = new Error('enough');
    const call = thrownBy(client.call(method, [[1], {}], { signal: controller.signal }));
    await waitFor(() => server.received.length === 1, 'the call');
    controller.abort(reason);
    expect(await call).toBe(reason);
    expect(outcomes).toMatchObject([{ method, error: reason }]);
  });

  it('ends a pause between tries', async () => {
    const { client, lines } = await clientAndServer(busy(503, { 'retry-after': '20' }), { session });
    const controller = new AbortController();
    const call = thrownBy(client.call(READ, [[1], []], { signal: controller.signal }));
    await waitFor(() => lines.length === 1, 'the first failure');
    controller.abort(new Error('enough'));
    expect((await call).message).toBe('enough');
  });

  it('beforehand sends nothing, and does not even look for a session', async () => {
    const store = createMemorySessionStore();
    const sessions = { ...store, read: () => expect.fail('it was looked for') };
    const { server, client } = await clientAndServer((request) => result(request, 1), { sessions });
    const signal = AbortSignal.abort(new Error('enough'));
    expect((await thrownBy(client.call(READ, [[1], []], { signal }))).message).toBe('enough');
    expect((await thrownBy(client.cachedCall(READ, [[1], []], { signal }))).message).toBe('enough');
    expect(server.received).toEqual([]);
  });
});
