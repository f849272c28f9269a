import type { LightMyRequestResponse } from 'fastify';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import type { Problem } from '../../../src/api/problem-details.ts';
import type { TestApi } from '../http/start-api.ts';
import { bearer, startApi } from '../http/start-api.ts';

let api: TestApi;
beforeAll(async () => {
  // Without a Tryton: whatever is refused here is refused before anything could be sent.
  api = await startApi();
});
afterAll(() => api.close());

afterEach(async () => {
  expect((await api.app.inject('/healthz')).statusCode).toBe(200);
});

const JSON_TYPE = { 'content-type': 'application/json' };

const post = (payload: string | Buffer, headers: Record<string, string> = JSON_TYPE) =>
  api.inject({ method: 'POST', url: '/api/v1/tryton/rpc', headers, payload });

function problemOf(answer: LightMyRequestResponse): Problem {
  expect(answer.headers['content-type']).toContain('application/problem+json');
  return answer.json();
}

test.each([
  ['nothing but a brace', '{', /^body: not complete, valid JSON \(it ends too early\)\.$|from character/],
  ['text', 'hello', /^body: not complete, valid JSON/],
  [
    'a missing value',
    `{"method": "model.party.party.read", "params": [1,, 2]}${' '.repeat(60)}`,
    /valid JSON/,
  ],
  [
    'NaN, which is Python',
    '{"method":"model.party.party.read","params":[NaN]}',
    /^body: not complete, valid JSON/,
  ],
  ['100,000 levels', `${'['.repeat(100_000)}${']'.repeat(100_000)}`, /^body: nested deeper than 100 levels/],
  ['100,000 levels that never end', '['.repeat(100_000), /^body: not complete, valid JSON/],
  [
    '100,000 levels of parameters',
    `{"method":"model.party.party.read","params":${'['.repeat(100_000)}${']'.repeat(100_000)}}`,
    /^body: nested deeper than 100 levels/,
  ],
  ['100,000 levels of objects', `${'{"a":'.repeat(100_000)}1${'}'.repeat(100_000)}`, /^body: nested deeper/],
  [
    'a number of 100,000 digits',
    `{"method":"x","params":[${'9'.repeat(100_000)}]}`,
    /^body: a whole number of 4300 digits or more/,
  ],
  ['invalid UTF-8', Buffer.from([0x7b, 0x22, 0xff, 0xfe, 0x22, 0x3a, 0x31, 0x7d]), /^body: not UTF-8\.$/],
])('%s is no JSON for us: 400, and says why', async (_, payload, detail) => {
  const problem = problemOf(await post(payload));
  expect(problem).toMatchObject({
    status: 400,
    code: 'invalid_request',
    detail: expect.stringMatching(detail),
  });
});

const METHOD = 'model.party.party.read';
const NO_DECIMAL = { __class__: 'Decimal', decimal: '1,10' };
const MANY = [...Array(20_000).keys()];

test.each<[string, unknown, string, RegExp]>([
  ['a text', 'hello', 'body', /an object \{"method"/],
  ['null', null, 'body', /an object \{"method"/],
  ['a number', 1, 'body', /an object \{"method"/],
  ['an empty object', {}, 'body.method', /a text such as "model/],
  ['an empty batch', [], 'body', /at least one call/],
  ['a batch of a number', [1], 'body.0', /an object \{"method"/],
  ['a batch in a batch', [[{ method: METHOD }]], 'body.0', /an object \{"method"/],
  ['a method of a wrong type', { method: 7 }, 'body.method', /a text such as/],
  ['an empty method', { method: '' }, 'body.method', /is no method name/],
  ['a method with spaces', { method: 'model.party party.read' }, 'body.method', /is no method name/],
  ['a method with a newline', { method: `${METHOD}\n` }, 'body.method', /is no method name/],
  ['a method with NUL', { method: `${METHOD}\u0000` }, 'body.method', /is no method name/],
  ['a method in Unicode', { method: 'model.pаrty.party.read' }, 'body.method', /is no method name/],
  ['a method that climbs', { method: '../../common.db.login' }, 'body.method', /is no method name/],
  ['a method of one word', { method: 'read' }, 'body.method', /is no method name/],
  [
    'a method of 10 kB',
    { method: `model.${'x'.repeat(10_000)}.read` },
    'body.method',
    /more than 200 characters/,
  ],
  ['parameters that are an object', { method: METHOD, params: { id: 1 } }, 'body.params', /an array/],
  ['parameters that are a text', { method: METHOD, params: '[]' }, 'body.params', /an array/],
  ['parameters that are null', { method: METHOD, params: null }, 'body.params', /an array/],
  ['a cache that is a text', { method: METHOD, cache: 'yes' }, 'body.cache', /true, false, whole seconds/],
  ['a cache that is null', { method: METHOD, cache: null }, 'body.cache', /true, false, whole seconds/],
  ['a cache of 0 s', { method: METHOD, cache: 0 }, 'body.cache', /true, false, whole seconds/],
  ['a cache of -1 s', { method: METHOD, cache: -1 }, 'body.cache', /true, false, whole seconds/],
  ['a cache of half a second', { method: METHOD, cache: 0.5 }, 'body.cache', /true, false, whole seconds/],
  ['a cache of 10^300 s', { method: METHOD, cache: 1e300 }, 'body.cache', /true, false, whole seconds/],
  ['a cache that lives for a text', { method: METHOD, cache: { ttl: '60' } }, 'body.cache', /true, false/],
  ['a cache with more', { method: METHOD, cache: { ttl: 60, forever: true } }, 'body.cache', /true, false/],
  ['unknown members', { method: METHOD, parms: [], jsonrpc: '2.0' }, 'body', /unknown: "parms", "jsonrpc"/],
  [
    'many unknown members',
    Object.fromEntries(MANY.map((at) => [`m${at}`, 1])),
    'body',
    /"m2" and 19997 more;/,
  ],
  [
    'the 30th of February',
    { method: METHOD, params: [[1], { on: { __class__: 'date', year: 2026, month: 2, day: 30 } }] },
    'body.params.1.on',
    /this is no valid date/,
  ],
  ['no decimal', { method: METHOD, params: MANY.map(() => NO_DECIMAL) }, 'body.params.4', /no valid Decimal/],
  [
    'one bad call of many',
    [{ method: METHOD }, { method: METHOD }, { method: 'x' }],
    'body.2.method',
    /is no/,
  ],
])('%s: 400, and names the field', async (_, body, name, message) => {
  const { status, code, detail, errors } = problemOf(await post(JSON.stringify(body)));
  expect({ status, code }).toEqual({ status: 400, code: 'invalid_request' });
  expect(errors).toContainEqual({ name, message: expect.stringMatching(message) });
  expect(detail).toContain(`${name}: `);
  expect(detail?.length).toBeLessThan(1000);
});

test.each([
  ['as a member', `{"method":"${METHOD}","__proto__":{"cache":true}}`, /unknown: "__proto__"/],
  ['as a cache', `{"method":"${METHOD}","cache":{"__proto__":{"ttl":1}}}`, /true, false, whole seconds/],
  ['as the whole', `{"__proto__":{"method":"${METHOD}"}}`, /a text such as/],
])('__proto__ %s is an unknown member and nothing more', async (_, payload, detail) => {
  const problem = problemOf(await post(payload));
  expect(problem).toMatchObject({ status: 400, detail: expect.stringMatching(detail) });
  expect(({} as { ttl?: unknown }).ttl).toBeUndefined();
});

test('numbers beyond all bounds, and members named twice, are read without harm', async () => {
  const huge = await post(`{"method":"${METHOD}","params":[1e400]}`);
  expect(problemOf(huge).detail).toBe('body: a number beyond the range of floats.');
  for (const params of [`[${'9'.repeat(4000)}]`, '[{"a":1,"a":2,"__proto__":{"b":1}}]', '[-0]']) {
    const answer = await post(`{"method":"${METHOD}","params":${params}}`);
    expect(problemOf(answer).detail).toContain('No Tryton is configured');
  }
});

test('a missing body, an empty one and one of another type have distinct errors', async () => {
  expect(problemOf(await post('', JSON_TYPE))).toMatchObject({
    status: 400,
    detail: expect.stringMatching(/^body: /),
  });
  expect(problemOf(await post('', {}))).toMatchObject({
    status: 400,
    detail: expect.stringMatching(/^body: /),
  });
  const call = JSON.stringify({ method: METHOD });
  for (const type of ['text/plain', 'text/csv', 'application/x-www-form-urlencoded', 'nonsense']) {
    const { status, code } = problemOf(await post(call, { 'content-type': type }));
    expect({ type, status, code }).toEqual({ type, status: 415, code: 'unsupported_media_type' });
  }
});

test('10 MB are too large, 4 MiB are not, and other routes keep their own limit', async () => {
  const large = await post(JSON.stringify({ method: METHOD, params: ['x'.repeat(10_000_000)] }));
  expect(problemOf(large)).toMatchObject({ status: 413, code: 'body_too_large' });
  const right = await post(JSON.stringify({ method: METHOD, params: ['x'.repeat(4 * 1024 * 1024 - 100)] }));
  expect(problemOf(right).code).toBe('tryton_not_configured');
  const payload = JSON.stringify({ mode: 'x'.repeat(2_000_000) });
  const other = await api.inject({ method: 'POST', url: '/api/v1/sync/runs', headers: JSON_TYPE, payload });
  expect(problemOf(other).code).toBe('body_too_large');
});

test('10,000 calls in a batch are too many, 100 are not', async () => {
  const calls = (count: number) => JSON.stringify(Array.from({ length: count }, () => ({ method: METHOD })));
  for (const count of [101, 10_000]) {
    const problem = problemOf(await post(calls(count)));
    expect(problem).toMatchObject({ status: 400, code: 'too_many_calls' });
    expect(problem.detail).toContain(`${count} calls in one batch; at most 100`);
  }
  expect(problemOf(await post(calls(100))).code).toBe('tryton_not_configured');
});

test('10,000 bad calls in a batch are answered by their number, not by 10,000 complaints', async () => {
  const answer = await post(JSON.stringify(Array.from({ length: 10_000 }, () => 1)));
  expect(problemOf(answer).code).toBe('too_many_calls');
  expect(answer.payload.length).toBeLessThan(1000);
});

test('without a Tryton both routes say so, and how to change that', async () => {
  for (const answer of [
    await post(JSON.stringify({ method: METHOD })),
    await api.inject('/api/v1/tryton/ping'),
  ]) {
    const problem = problemOf(answer);
    expect(problem).toMatchObject({ status: 503, code: 'tryton_not_configured' });
    expect(problem.detail).toContain('TRYTON_RPC_URL');
  }
});

test('a bad body without a key is a matter of the key', async () => {
  const answer = await api.app.inject({
    method: 'POST',
    url: '/api/v1/tryton/rpc',
    headers: JSON_TYPE,
    payload: '{',
  });
  expect(answer.statusCode).toBe(401);
  const readOnly = await api.headerOf({ scopes: ['bc:read'], methods: [] });
  expect((await post('{', { ...JSON_TYPE, ...readOnly })).statusCode).toBe(403);
  expect((await post('{', { ...JSON_TYPE, ...bearer('psl_x') })).statusCode).toBe(401);
});
