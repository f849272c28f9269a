import { describe, expect, it } from 'vitest';
import { createMemorySessionStore } from '../../../src/tryton/session/memory-store.ts';
import { clientAndServer, clientOf, thrownBy } from '../client/clients.ts';
import { failure, keyOf, page, type Received, result } from '../client/scripted-server.ts';

const SEARCH = 'model.party.party.search';
const CREATE = 'model.party.party.create';
const LOGIN = 'common.db.login';
const PAUSE_MS = 30_000;

/** A server that knows some sessions only, and two clients of it that share theirs. */
async function setup(
  alive: (request: Received) => boolean,
  answer = (request: Received) => result(request, keyOf(request)),
) {
  const sessions = createMemorySessionStore();
  const time = { now: Date.UTC(2026, 0, 1) };
  const options = { sessions, clock: () => time.now, loginCooldownMs: 300_000 };
  const script = (request: Received) => (alive(request) ? answer(request) : page(401));
  const { server, client } = await clientAndServer(script, options);
  const { client: other } = clientOf(server.url, options);
  const logins = () => server.methods().filter((method) => method === LOGIN).length;
  return { server, client, other, sessions, time, logins };
}

describe('a session that another process left in the store', () => {
  it.each([SEARCH, CREATE])('and that is over too costs one login, and %s is answered', async (method) => {
    const alive = new Set(['key-1', 'key-2']);
    const { client, other, logins } = await setup((request) => alive.has(keyOf(request) ?? ''));
    expect(await client.call(method, [[]])).toBe('key-1');
    alive.delete('key-1');
    expect(await other.call(method, [[]])).toBe('key-2');
    alive.clear();
    alive.add('key-3');
    const calls = Array.from({ length: 20 }, () => client.call(method, [[]]));
    expect(new Set(await Promise.all(calls))).toEqual(new Set(['key-3']));
    expect(logins()).toBe(3);
  });
});

describe('a new session', () => {
  it('that is deleted before its first use is replaced by one more', async () => {
    const { client, logins } = await setup((request) => keyOf(request) === 'key-2');
    const calls = Array.from({ length: 20 }, () => client.call(CREATE, [[]]));
    expect(new Set(await Promise.all(calls))).toEqual(new Set(['key-2']));
    expect(logins()).toBe(2);
  });

  it('may be deleted again and again as long as each was of use', async () => {
    let alive = 0;
    const { client, logins } = await setup((request) => keyOf(request) === `key-${alive}`);
    for (alive = 1; alive <= 5; alive += 1) expect(await client.call(SEARCH, [[]])).toBe(`key-${alive}`);
    expect(logins()).toBe(5);
  });

  it('was of use when Tryton answered a call with an error of its own', async () => {
    let alive = 1;
    const { client, logins } = await setup(
      (request) => keyOf(request) === `key-${alive}`,
      (request) =>
        alive < 4 ? failure(request, 'UserError', ['no', '', null]) : result(request, keyOf(request)),
    );
    for (; alive < 4; alive += 1)
      expect(await thrownBy(client.call(CREATE, [[{}]]))).toMatchObject({ code: 'tryton_user_error' });
    expect(await client.call(CREATE, [[{}]])).toBe('key-4');
    expect(logins()).toBe(4);
    expect(await client.circuit()).toBeNull();
  });

  it('forgotten before its use counts for nothing', async () => {
    const { client, logins } = await setup((request) => keyOf(request) === 'key-4');
    for (let times = 0; times < 2; times += 1) {
      await client.login();
      await client.logout();
    }
    expect(await client.call(SEARCH, [[]])).toBe('key-4');
    expect(logins()).toBe(4);
  });
});

describe('a server that refuses every session', () => {
  it('is not flooded with logins: two, then none for half a minute, by any process', async () => {
    const { server, client, other, logins } = await setup(() => false);
    const first = await thrownBy(client.call(SEARCH, [[]]));
    expect(first).toMatchObject({ code: 'tryton_session_refused', method: SEARCH });
    for (const one of [client, other]) {
      const errors = await Promise.all(Array.from({ length: 20 }, () => thrownBy(one.call(SEARCH, [[]]))));
      for (const error of errors) expect(error).toMatchObject({ code: 'tryton_login_suspended' });
    }
    expect(logins()).toBe(2);
    expect((await other.ping()).circuit).toMatchObject({ code: 'tryton_session_refused' });
    // The other one tried only the session that it found in the store.
    expect(server.methods().filter((method) => method === SEARCH)).toHaveLength(2 + 20);
  });

  it('is given one session per half a minute, and used again as soon as it takes one', async () => {
    let healed = false;
    const { client, time, logins } = await setup(() => healed);
    await thrownBy(client.call(SEARCH, [[]]));
    time.now += PAUSE_MS;
    expect(await thrownBy(client.call(SEARCH, [[]]))).toMatchObject({ code: 'tryton_session_refused' });
    expect(await thrownBy(client.call(SEARCH, [[]]))).toMatchObject({ code: 'tryton_login_suspended' });
    expect(logins()).toBe(3);
    healed = true;
    time.now += PAUSE_MS;
    expect(await client.call(SEARCH, [[]])).toBe('key-4');
    expect((await client.ping()).circuit).toBeNull();
  });

  it('says why in the message, and names the place once', async () => {
    const { client } = await setup(() => false);
    await thrownBy(client.call(SEARCH, [[]]));
    const { message } = await thrownBy(client.call(SEARCH, [[]]));
    expect(message).toContain('HTTP 401');
    expect(message.match(/Tryton at /g)).toHaveLength(1);
  });
});
