import { request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import type { Fault } from '../../../dev/sandbox-tryton/faults.ts';
import { waitFor } from '../../support/wait-for.ts';
import { bearer } from '../http/start-api.ts';
import type { TrytonApi } from './tryton-api.ts';
import { HASTY, NO_RETRIES, startTrytonApi } from './tryton-api.ts';

const READ = { method: 'model.party.party.read', params: [[1], ['name']] };
const WRITE = { method: 'model.party.party.write', params: [[1], { name: 'new' }] };

let api: TrytonApi;
let hasty: TrytonApi;
beforeAll(async () => {
  api = await startTrytonApi(NO_RETRIES, { sales: 20 });
  hasty = await startTrytonApi(HASTY);
  for (const { rpc } of [api, hasty]) await rpc(READ);
});
afterEach(() => {
  for (const { sandbox } of [api, hasty]) sandbox.faults.clear();
});
afterAll(async () => {
  for (const { close } of [api, hasty]) await close();
});

test('a user error is shown in the words that are meant for users', async () => {
  const answer = await api.rpc({ method: 'model.res.user.delete', params: [[1]] });
  expect(answer.headers['content-type']).toContain('application/problem+json');
  expect(answer.problem).toEqual({
    type: 'about:blank',
    title: 'Unprocessable Entity',
    status: 422,
    code: 'tryton_user_error',
    detail: 'For logging purposes users cannot be deleted, instead they should be deactivated.',
  });
});

test('a warning carries its name; confirmed by a record of that name, the call goes through', async () => {
  const date = { __class__: 'date', year: 2999, month: 1, day: 1 };
  const [invoice = 0] = api.sandbox.search('account.invoice', []);
  api.sandbox.write('account.invoice', [invoice], { state: 'draft', invoice_date: date });
  const post = { method: 'model.account.invoice.post', params: [[invoice]] };
  const { status, problem } = await api.rpc(post);
  expect({ status, code: problem.code }).toEqual({ status: 409, code: 'tryton_user_warning' });
  expect(problem.warning).toMatch(/\.invoice_date_future$/);
  expect(problem.detail).toContain('date in the future');
  // Nothing is confirmed by itself.
  expect((await api.rpc(post)).status).toBe(409);
  await api.rpc({
    method: 'model.res.user.warning.create',
    params: [[{ user: 1, name: problem.warning, always: false }]],
  });
  expect((await api.rpc(post)).status).toBe(200);
});

test('a record that was changed meanwhile is 409', async () => {
  const context = { _timestamp: { 'party.party,1': '1.000000' } };
  const answer = await api.rpc({ ...WRITE, params: [[1], { name: 'late' }, context] });
  expect(answer.problem).toMatchObject({ status: 409, code: 'tryton_concurrency' });
});

test('a method that Tryton does not offer is 403, one that makes no sense to it 502', async () => {
  const nope = await api.rpc({ method: 'model.party.party.nope', params: [] });
  expect(nope.problem).toMatchObject({ status: 403, code: 'tryton_method_not_allowed' });
  const unknown = await api.rpc({ method: 'model.no.such.read', params: [[1], ['name']] });
  expect(unknown.problem).toMatchObject({ status: 502, code: 'tryton_error' });
});

test.each<[Fault, object, number, string]>([
  ['hang', READ, 504, 'tryton_timeout'],
  ['hang', WRITE, 504, 'tryton_unknown_fate'],
  ['lost', WRITE, 504, 'tryton_unknown_fate'],
  ['drop', READ, 503, 'tryton_unreachable'],
  ['bad_gateway', READ, 503, 'tryton_unavailable'],
  ['unavailable', READ, 503, 'tryton_unavailable'],
  ['gateway_timeout', READ, 503, 'tryton_unavailable'],
  ['too_many', READ, 503, 'tryton_rate_limited'],
  ['html', READ, 502, 'tryton_malformed_answer'],
  ['malformed', READ, 502, 'tryton_malformed_answer'],
])('a Tryton that answers with %s to %o gives %i %s', async (fault, call, status, code) => {
  const { sandbox, rpc } = fault === 'hang' || fault === 'lost' ? hasty : api;
  sandbox.faults.next(1, fault);
  const { problem } = await rpc(call as typeof READ);
  expect(problem).toMatchObject({ status, code, detail: expect.stringContaining(sandbox.url) });
});

test('a batch does not add up the waits for a Tryton that hangs: calls that have not begun in time are not sent', async () => {
  hasty.sandbox.calls.length = 0;
  hasty.sandbox.faults.when(/write$/, 'hang');
  const codes = (await hasty.batch(Array.from({ length: 20 }, () => WRITE))).map(({ error }) => error?.code);
  const sent = hasty.sandbox.calls.length;
  expect(sent).toBeLessThan(20);
  expect(codes).toEqual(codes.map((_, at) => (at < sent ? 'tryton_unknown_fate' : 'batch_timeout')));
  expect(codes[0]).toBe('tryton_unknown_fate');
});

test('429 of Tryton is passed on with the time to wait', async () => {
  api.sandbox.faults.retryAfter = 7;
  api.sandbox.faults.next(1, 'too_many');
  const { headers, problem } = await api.rpc(READ);
  expect([headers['retry-after'], problem.retryAfter]).toEqual(['7', 7]);
  api.sandbox.faults.next(1, 'too_many');
  expect((await api.batch([READ]))[0]?.error).toMatchObject({ status: 503, retryAfter: 7 });
});

test('a Tryton that is gone is 503, and served again when it is back', async () => {
  await api.sandbox.stop();
  expect((await api.rpc(READ)).problem).toMatchObject({ status: 503, code: 'tryton_unreachable' });
  expect((await api.rpc(WRITE)).problem).toMatchObject({ status: 503, code: 'tryton_unreachable' });
  expect(await api.batch([READ, WRITE, READ])).toMatchObject(
    Array.from({ length: 3 }, () => ({ error: { status: 503, code: 'tryton_unreachable' } })),
  );
  await api.sandbox.start();
  expect((await api.rpc(READ)).status).toBe(200);
});

test('a wrong password is 502, one login, then the circuit with the time until it closes', async () => {
  const other = await startTrytonApi({
    ...NO_RETRIES,
    TRYTON_PASSWORD: 'wrong',
    TRYTON_LOGIN_COOLDOWN: '90s',
  });
  try {
    const first = await other.rpc(READ);
    expect(first.problem).toMatchObject({ status: 502, code: 'tryton_bad_credentials' });
    for (const { problem, headers } of [await other.rpc(READ), await other.rpc(WRITE)]) {
      expect(problem).toMatchObject({ status: 502, code: 'tryton_login_suspended' });
      expect(Number(headers['retry-after'])).toBeGreaterThan(60);
      expect(Number(headers['retry-after'])).toBeLessThanOrEqual(90);
    }
    expect(other.sandbox.calls.filter(({ method }) => method === 'common.db.login')).toHaveLength(1);
    const ping = (await other.inject('/api/v1/tryton/ping')).json();
    expect(ping).toMatchObject({ reachable: true, authenticated: false, circuit: { open: true } });
  } finally {
    await other.close();
  }
});

test('a database that is not there is 502', async () => {
  const other = await startTrytonApi({
    ...NO_RETRIES,
    TRYTON_RPC_URL: api.sandbox.url.replace('tryton', 'nope'),
  });
  try {
    expect((await other.rpc(READ)).problem).toMatchObject({ status: 502, code: 'tryton_unknown_database' });
  } finally {
    await other.close();
  }
});

test('an outage of Tryton is one warning without a stack, a mistake of the caller none', async () => {
  const lines: { level: string; code?: string; reason?: string }[] = [];
  const log = api.log.child({});
  const note = (level: string) => (details: object) => void lines.push({ level, ...details });
  Object.assign(log, { warn: note('warn'), error: note('error'), child: () => log });
  const other = await startTrytonApi(NO_RETRIES, {}, { log });
  try {
    await other.rpc({ method: 'model.res.user.delete', params: [[1]] });
    await other.rpc('{');
    await other.sandbox.stop();
    lines.length = 0;
    await other.rpc(READ);
    await other.batch([READ, READ, READ]);
    const logged = lines.filter(({ code }) => code === 'tryton_unreachable');
    expect(logged).toHaveLength(2);
    expect(logged[0]).toMatchObject({ level: 'warn', reason: expect.stringContaining('ECONNREFUSED') });
    expect(lines.filter(({ level }) => level === 'error')).toEqual([]);
  } finally {
    await other.close();
  }
});

test('a client that disconnects ends its reads, not its writes', async () => {
  await api.app.listen({ port: 0, host: '127.0.0.1' });
  const { port } = api.app.server.address() as AddressInfo;
  const arrivals = () => api.sandbox.calls.map(({ method }) => method);
  const leave = async (call: object) => {
    api.sandbox.calls.length = 0;
    api.sandbox.latencyMs = 200;
    const headers = { 'content-type': 'application/json', ...bearer(api.key) };
    const asked = request({ port, method: 'POST', path: '/api/v1/tryton/rpc', headers });
    asked.on('error', () => {});
    asked.end(JSON.stringify(call));
    await waitFor(() => arrivals().length > 0, 'the call to arrive at Tryton');
    asked.destroy();
  };
  await leave([WRITE, { ...WRITE, params: [[1], { name: 'carried out' }] }, { ...READ, cache: false }]);
  await waitFor(
    () => arrivals().filter((method) => method === WRITE.method).length === 2,
    'the second write',
  );
  await waitFor(
    () => api.sandbox.read('party.party', [1], ['name'])[0]?.['name'] === 'carried out',
    'its effect',
  );
  expect(arrivals()).not.toContain(READ.method);
  await leave({ ...READ, cache: false });
  api.sandbox.latencyMs = 0;
  expect((await api.rpc(READ)).status).toBe(200);
});
