import { expect, onTestFinished, test } from 'vitest';
import { scriptedServer, tryton70 } from '../../tryton/client/scripted-server.ts';
import { startApi } from '../http/start-api.ts';

const READ = 'model.party.party.read';
const WRITE = 'model.party.party.write';

/** The API in front of a Tryton that answers the context of each call. */
async function echo() {
  const server = await scriptedServer(
    tryton70(({ id, params }) => ({ body: JSON.stringify({ id, result: params.at(-1) }) })),
  );
  const api = await startApi({
    ...{ TRYTON_RPC_URL: server.url, TRYTON_USER: 'bot', TRYTON_PASSWORD: 'secret' },
    TRYTON_CONTEXT: '{"language":"fr","company":1}',
  });
  onTestFinished(() => api.close());
  /** The context that Tryton got. */
  const contextOf = async (payload: object, headers: Record<string, string> = {}) => {
    const answer = await api.inject({
      ...{ method: 'POST', url: '/api/v1/tryton/rpc', payload: JSON.stringify(payload) },
      headers: { 'content-type': 'application/json', ...headers },
    });
    return answer.json().result;
  };
  const keyWith = (context: object) =>
    api.headerOf({ scopes: ['tryton:call'], methods: ['model.*'], context: { ...context } });
  return { contextOf, keyWith, server };
}

const INTERNAL = {
  _check_access: false,
  _user: 0,
  _datetime: null,
  company: 99,
  _timestamp: { 'a,1': '1.5' },
};
const KEPT = { language: 'fr', company: 99, _timestamp: { 'a,1': '1.5' } };

test.each([
  ['a read', { method: READ, cache: false }],
  ['a cached read', { method: READ, cache: 60 }],
  ['a write', { method: WRITE }],
])('names with _ do not reach Tryton, except _timestamp: %s', async (_, call) => {
  const { contextOf } = await echo();
  expect(await contextOf({ ...call, params: [[1], { name: 'x' }, INTERNAL] })).toEqual(KEPT);
});

test('the context of a key overrides those of the caller and of TRYTON_CONTEXT', async () => {
  const { contextOf, keyWith } = await echo();
  const key = await keyWith({ company: 2, warehouses: [3, 4] });
  const own = { company: 99, warehouses: null, active_test: false };
  const fixed = { language: 'fr', company: 2, warehouses: [3, 4] };
  for (const call of [{ method: READ, cache: false }, { method: READ, cache: 60 }, { method: WRITE }]) {
    expect(await contextOf({ ...call, params: [[1], {}, own] }, key)).toEqual({
      ...fixed,
      active_test: false,
    });
    expect(await contextOf({ ...call, params: [[1], {}] }, key)).toEqual(fixed);
  }
  expect(await contextOf({ method: WRITE, params: [] }, key)).toEqual(fixed);
  expect(await contextOf({ method: 'model.a.on_change', params: [] }, key)).toEqual(fixed);
});

test('keys with different contexts share no cached answer, not even for the same body', async () => {
  const { contextOf, keyWith, server } = await echo();
  const call = { method: READ, params: [[1], ['name']], cache: 60 };
  const keys = [await keyWith({ company: 2 }), await keyWith({ company: 3 }), {}];
  for (let round = 1; round <= 3; round += 1) {
    const answers = [];
    for (const key of keys) answers.push(await contextOf(call, key));
    expect(answers).toMatchObject([{ company: 2 }, { company: 3 }, { company: 1 }]);
  }
  expect(server.methods().filter((method) => method === READ)).toHaveLength(3);
});
