import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { waitFor } from '../../support/wait-for.ts';
import type { TrytonApi } from './tryton-api.ts';
import { startTrytonApi } from './tryton-api.ts';

const READ = 'model.party.party.read';
const WRITE = 'model.party.party.write';
const FIELDS = 'model.party.party.fields_get';

let api: TrytonApi;
let party: number;
beforeAll(async () => {
  api = await startTrytonApi();
  party = api.sandbox.create('party.party', { name: 'Dunder' });
  await api.rpc({ method: READ, params: [[party], ['name']] });
});
afterAll(() => api.close());
beforeEach(() => {
  api.arrived();
});

const nameOf = (cache?: unknown) => ({ method: READ, params: [[party], ['name']], cache });
const rename = (name: string) => ({ method: WRITE, params: [[party], { name }] });

describe('one call', () => {
  test('answers its result, with a context added where it is missing', async () => {
    const answer = await api.rpc({ method: READ, params: [[party], ['name']] });
    expect(answer).toMatchObject({ status: 200, result: [{ id: party, name: 'Dunder' }] });
    expect(answer.headers['content-type']).toBe('application/json; charset=utf-8');
    expect(api.arrived()).toEqual([READ]);
  });

  test('needs no parameters where the method needs none', async () => {
    expect((await api.rpc({ method: 'common.server.version' })).result).toMatch(/^7\.0/);
  });

  test('takes and gives tagged values to the last digit', async () => {
    const rounding = { __class__: 'Decimal', decimal: '0.050000' };
    const made = await api.rpc({
      method: 'model.currency.currency.create',
      params: [[{ name: 'Franc', code: 'XXX', rounding }]],
    });
    const read = { method: 'model.currency.currency.read', params: [made.result, ['rounding']] };
    expect(await api.rpc(read)).toMatchObject({ status: 200, result: [{ rounding }] });
  });

  test('passes whole numbers of any size on, both ways', async () => {
    const params = '[[[["id","in",[12345678901234567890123]]]]]';
    const { tryton } = api;
    if (tryton === null) throw new Error('there is a Tryton');
    const { callWire } = tryton;
    tryton.callWire = async (_, given) => given;
    const answer = await api.rpc(`{"method":"${READ}","cache":false,"params":${params}}`);
    tryton.callWire = callWire;
    expect(answer.text).toBe(`{"result":${params}}`);
  });
});

describe('the cache', () => {
  test('keeps what Tryton declares cacheable, unless asked not to', async () => {
    const call = { method: FIELDS, params: [['name']] };
    const first = await api.rpc(call);
    expect(api.arrived()).toEqual([FIELDS]);
    // On a busy machine Redis may be too late to keep an answer, or to give it.
    await waitFor(async () => {
      expect((await api.rpc(call)).text).toBe(first.text);
      return api.arrived().length === 0;
    }, 'an answer from the cache');
    await api.rpc({ ...call, cache: false });
    expect(api.arrived()).toEqual([FIELDS]);
  });

  test('caches nothing by default, and shares no cached answer with other calls', async () => {
    await api.rpc(nameOf(60));
    api.arrived();
    await api.rpc(nameOf());
    await api.rpc(nameOf());
    expect(api.arrived()).toEqual([READ, READ]);
  });

  test.each([[true], [30], [{ ttl: 30 }], [{ ttl: 30, stale: 60 }]])(
    'keeps other reads where %j asks for it, and a write is seen by the next one',
    async (cache) => {
      await api.rpc(rename('before'));
      api.arrived();
      expect((await api.rpc(nameOf(cache))).result).toMatchObject([{ name: 'before' }]);
      expect((await api.rpc(nameOf(cache))).result).toMatchObject([{ name: 'before' }]);
      expect(api.arrived()).toEqual([READ]);
      await api.rpc(rename('after'));
      expect((await api.rpc(nameOf(cache))).result).toMatchObject([{ name: 'after' }]);
      expect(api.arrived()).toEqual([WRITE, READ]);
    },
  );

  test('never answers a write, whatever is asked', async () => {
    await api.rpc({ ...rename('twice'), cache: true });
    await api.rpc({ ...rename('twice'), cache: true });
    expect(api.arrived()).toEqual([WRITE, WRITE]);
  });

  test('distinguishes contexts', async () => {
    for (const language of ['en', 'fr', 'en', 'fr']) {
      const { status } = await api.rpc({ method: FIELDS, params: [['code'], { language }] });
      expect(status).toBe(200);
    }
    expect(api.arrived()).toEqual([FIELDS, FIELDS]);
  });
});

describe('a batch', () => {
  test('answers in order, each call its own success or error', async () => {
    const answers = await api.batch([
      nameOf(),
      { method: 'model.party.party.nope', params: [] },
      { method: 'model.res.user.delete', params: [[1]] },
      { method: 'common.db.logout' },
      { method: 'common.server.version' },
    ]);
    expect(answers).toMatchObject([
      { result: [{ id: party }] },
      { error: { status: 403, code: 'tryton_method_not_allowed' } },
      {
        error: { status: 422, code: 'tryton_user_error', detail: expect.stringContaining('users cannot be') },
      },
      { error: { status: 403, code: 'method_not_allowed' } },
      { result: expect.stringMatching(/^7\.0/) },
    ]);
    expect(answers.map((answer) => Object.keys(answer))).toEqual([
      ['result'],
      ['error'],
      ['error'],
      ['error'],
      ['result'],
    ]);
  });

  test('reads its own writes, and its writes keep their order', async () => {
    const answers = await api.batch([
      rename('one'),
      nameOf(true),
      nameOf(false),
      rename('two'),
      rename('three'),
      nameOf(true),
    ]);
    expect(answers.map(({ result }) => result)).toMatchObject([
      null,
      [{ name: 'one' }],
      [{ name: 'one' }],
      null,
      null,
      [{ name: 'three' }],
    ]);
    expect(api.arrived()).toEqual([WRITE, READ, READ, WRITE, WRITE, READ]);
  });

  test('goes on after a write that fails', async () => {
    const answers = await api.batch([{ method: 'model.res.user.delete', params: [[1]] }, rename('still')]);
    expect(answers).toMatchObject([{ error: { status: 422 } }, { result: null }]);
    expect((await api.rpc(nameOf())).result).toMatchObject([{ name: 'still' }]);
  });

  test('has at most 8 reads under way', async () => {
    let most = 0;
    let now = 0;
    const { tryton } = api;
    if (tryton === null) throw new Error('there is a Tryton');
    const callWire = tryton.callWire.bind(tryton);
    tryton.callWire = async (...call) => {
      most = Math.max(most, ++now);
      try {
        return await callWire(...call);
      } finally {
        now--;
      }
    };
    const answers = await api.batch(Array.from({ length: 100 }, () => nameOf(false)));
    tryton.callWire = callWire;
    expect(answers).toHaveLength(100);
    expect(answers.filter(({ result }) => Array.isArray(result))).toHaveLength(100);
    expect(most).toBe(8);
  });
});

describe('a key', () => {
  const refused = { status: 403, code: 'method_not_allowed' };

  test('without patterns reaches reads only', async () => {
    const header = await api.headerOf({ scopes: ['tryton:call'], methods: [] });
    expect(await api.rpc(nameOf(), header)).toMatchObject({ status: 200 });
    for (const method of [WRITE, 'common.db.login', 'common.db.list', 'wizard.party.erase.create']) {
      expect(await api.rpc({ method, params: [] }, header)).toMatchObject({ status: 403, problem: refused });
    }
    expect(api.arrived()).toEqual([READ]);
  });

  test('opens exactly what its patterns say, in a batch as well', async () => {
    const header = await api.headerOf({ scopes: ['tryton:call'], methods: ['model.party.party.write'] });
    expect(await api.batch([rename('by key'), nameOf(), rename('again')], header)).toMatchObject([
      { result: null },
      { error: refused },
      { result: null },
    ]);
    expect(api.arrived()).toEqual([WRITE, WRITE]);
  });

  test('of the mirror reaches neither route', async () => {
    const header = await api.headerOf({ scopes: ['bc:read', 'sync:write'], methods: [] });
    expect((await api.rpc(nameOf(), header)).problem.code).toBe('missing_scope');
    expect((await api.inject({ url: '/api/v1/tryton/ping', headers: header })).statusCode).toBe(403);
    expect(api.arrived()).toEqual([]);
  });
});

test('openapi.json describes both routes, with examples', async () => {
  const { paths, tags } = (await api.app.inject('/openapi.json')).json();
  const rpc = paths['/api/v1/tryton/rpc'].post;
  const { schema, examples } = rpc.requestBody.content['application/json'];
  expect(schema.oneOf).toMatchObject([
    { type: 'object', required: ['method'], additionalProperties: false },
    { type: 'array', minItems: 1, maxItems: 100 },
  ]);
  expect(Object.keys(examples)).toHaveLength(2);
  const answer = rpc.responses['200'].content['application/json'].schema;
  expect(answer.oneOf).toMatchObject([{ required: ['result'] }, { type: 'array' }]);
  const ping = paths['/api/v1/tryton/ping'].get.responses['200'].content['application/json'].schema;
  expect(Object.keys(ping.properties)).toContain('lastError');
  expect(tags).toContainEqual(expect.objectContaining({ name: 'tryton' }));
});
