import { describe, expect, it } from 'vitest';
import { TrytonClient } from '../../../src/tryton/client.ts';
import { Decimal } from '../../../src/tryton/wire/values.ts';
import { clientAndServer, clientOf, PASSWORD, thrownBy, USER } from './clients.ts';
import { failure, keyOf, page, result, scriptedServer } from './scripted-server.ts';

const SEARCH = 'model.party.party.search';
const CREATE = 'model.party.party.create';

describe('a call', () => {
  it('signs in with the password first, then sends exactly id, method and params', async () => {
    const { server, client } = await clientAndServer((request) => result(request, [1, 2]));
    expect(await client.call('model', 'party.party.search', [[], 0, 10, null])).toEqual([1, 2]);
    const [login, call] = server.received;
    expect(login).toMatchObject({
      path: '/tryton/',
      method: 'common.db.login',
      params: [USER, { password: PASSWORD }, 'en'],
    });
    expect(login?.headers.authorization).toBeUndefined();
    expect(call).toMatchObject({ path: '/tryton/', method: SEARCH, params: [[], 0, 10, null, {}] });
    const token = Buffer.from(`${USER}:7:key-1`).toString('base64');
    expect(call?.headers.authorization).toBe(`Session ${token}`);
    for (const { body } of server.received)
      expect(Object.keys(JSON.parse(body))).toEqual(['id', 'method', 'params']);
  });

  it('may be named at once or in two parts', async () => {
    const { server, client } = await clientAndServer((request) => result(request, null));
    await client.call('model', 'party.party.search', [[]]);
    await client.call('model.party.party.search', [[]]);
    await client.call('model.party.party.search');
    expect(server.methods()).toEqual(['common.db.login', SEARCH, SEARCH, SEARCH]);
    expect(server.received.map(({ params }) => params).slice(1)).toEqual([[[], {}], [[], {}], [{}]]);
  });

  it('has the context of the client below its own', async () => {
    const context = { language: 'de', company: 3 };
    const { server, client } = await clientAndServer((request) => result(request, null), { context });
    await client.call(SEARCH, [[]]);
    await client.call(SEARCH, [[], { company: 4 }]);
    expect(server.received.map(({ params }) => params.at(-1))).toEqual([
      'de',
      { language: 'de', company: 3 },
      { language: 'de', company: 4 },
    ]);
  });

  it('carries exact values both ways', async () => {
    const amount = { __class__: 'Decimal', decimal: '1.10' };
    const { server, client } = await clientAndServer((request) => result(request, [{ amount }]));
    const answer = await client.call(CREATE, [[{ amount: new Decimal('1.10') }]]);
    expect(server.received[1]?.params[0]).toEqual([{ amount }]);
    expect(answer).toEqual([{ amount: new Decimal('1.10') }]);
    expect(await client.callWire(CREATE, [[{ amount }]])).toEqual([{ amount }]);
  });

  it('to the server itself goes to its root, without a session', async () => {
    const server = await scriptedServer((request) => result(request, '7.0.30'));
    const { client } = clientOf(`${server.origin}/erp/tryton`);
    expect(await client.call('common.server.version')).toBe('7.0.30');
    expect(server.received).toMatchObject([{ path: '/erp/', method: 'common.server.version' }]);
    expect(server.received[0]?.headers.authorization).toBeUndefined();
  });

  it.each(['common.db.login', 'common.db.logout', 'common.db.reset_password'])(
    'of %s is refused, and nothing is sent',
    async (method) => {
      const { server, client } = await clientAndServer((request) => result(request, null));
      for (const attempt of [
        client.call(method, []),
        client.cachedCall(method, []),
        client.callWire(method, []),
      ])
        expect(await thrownBy(attempt)).toMatchObject({ code: 'tryton_bad_request' });
      expect(server.received).toEqual([]);
    },
  );

  it('with a value that Tryton could not read names its place, and nothing is sent', async () => {
    const { server, client } = await clientAndServer((request) => result(request, null));
    const error = await thrownBy(client.call(CREATE, [[{ name: () => 'x' }]]));
    expect(error).toMatchObject({ code: 'tryton_bad_request' });
    expect(error.message).toContain('params[0][0].name');
    expect(server.received).toEqual([]);
  });

  it('is reported once, with its error', async () => {
    const { client, outcomes } = await clientAndServer((request, _, count) =>
      count === 1 ? result(request, 1) : failure(request, 'UserError', ['No', '']),
    );
    await client.call(CREATE, [[]]);
    const error = await thrownBy(client.call(CREATE, [[]]));
    expect(outcomes).toEqual([
      { method: CREATE, ms: expect.any(Number), error: null },
      { method: CREATE, ms: expect.any(Number), error },
    ]);
  });

  it('does not fail when a listener throws', async () => {
    const onOutcome = () => {
      throw new Error('listener');
    };
    const { client } = await clientAndServer((request) => result(request, 1), { onOutcome });
    expect(await client.call(CREATE, [[]])).toBe(1);
  });
});

describe('a session that is refused', () => {
  it.each([SEARCH, CREATE])('is renewed once and %s sent again', async (method) => {
    const { server, client } = await clientAndServer((request) =>
      keyOf(request) === 'key-1' ? page(401) : result(request, keyOf(request)),
    );
    expect(await client.call(method, [[]])).toBe('key-2');
    expect(await client.call(method, [[]])).toBe('key-2');
    expect(server.methods()).toEqual(['common.db.login', method, 'common.db.login', method, method]);
  });

  it('is renewed by one for all calls of that moment', async () => {
    const { server, client } = await clientAndServer((request) =>
      keyOf(request) === 'key-1' ? page(401) : result(request, 1),
    );
    await Promise.all(Array.from({ length: 30 }, () => client.call(SEARCH, [[]])));
    expect(server.methods().filter((method) => method === 'common.db.login')).toHaveLength(2);
  });

  it('again after that is an error of its own', async () => {
    const { server, client } = await clientAndServer(() => page(401));
    expect(await thrownBy(client.call(SEARCH, [[]]))).toMatchObject({ code: 'tryton_session_refused' });
    expect(server.methods()).toEqual(['common.db.login', SEARCH, 'common.db.login', SEARCH]);
  });

  it('is not what HTTP 403 means', async () => {
    const { server, client } = await clientAndServer(() => page(403));
    expect(await thrownBy(client.call(SEARCH, [[]]))).toMatchObject({ code: 'tryton_method_not_allowed' });
    expect(server.methods()).toEqual(['common.db.login', SEARCH]);
  });
});

describe('signing in', () => {
  it('is not needed where a session was given', async () => {
    const session = { userId: 9, key: 'given' };
    const { server, client } = await clientAndServer((request) => result(request, keyOf(request)), {
      session,
    });
    expect(await client.call(SEARCH, [[]])).toBe('given');
    expect(server.methods()).toEqual([SEARCH]);
  });

  it('and out can be asked for', async () => {
    const { server, client } = await clientAndServer((request) => result(request, keyOf(request)));
    expect(await client.login()).toEqual({ userId: 7 });
    await client.logout();
    await client.logout();
    expect(await client.call(SEARCH, [[]])).toBe('key-2');
    expect(server.methods()).toEqual(['common.db.login', 'common.db.logout', 'common.db.login', SEARCH]);
    expect(server.received[1]?.headers.authorization).toMatch(/^Session /);
  });

  it('out of a session that is over already is no error', async () => {
    const server = await scriptedServer(() => page(401));
    const { client } = clientOf(server.url, { session: { userId: 9, key: 'given' } });
    await client.logout();
    expect(server.methods()).toEqual(['common.db.logout']);
  });

  it.each([
    ['a wrong password', () => page(401), 'tryton_bad_credentials'],
    ['too many wrong passwords', () => page(429), 'tryton_rate_limited'],
    ['an unknown database', () => page(404), 'tryton_unknown_database'],
    ['a page instead of a session', () => page(200), 'tryton_malformed_answer'],
  ])('fails clearly: %s', async (_, script, code) => {
    const server = await scriptedServer(script);
    const { client } = clientOf(server.url);
    expect(await thrownBy(client.call(SEARCH, [[]]))).toMatchObject({ code });
    expect(server.methods()).toEqual(['common.db.login']);
  });

  it('that asks for more than a password is a clear error', async () => {
    const server = await scriptedServer((request) =>
      failure(request, 'LoginException', ['sms_code', 'Code for bot', 'char']),
    );
    const error = await thrownBy(clientOf(server.url).client.call(SEARCH, [[]]));
    expect(error).toMatchObject({ code: 'tryton_login_step', message: expect.stringContaining('sms_code') });
  });

  it('is not tried again when its connection breaks', async () => {
    const server = await scriptedServer((_, response) => void response.socket?.destroy());
    const { client } = clientOf(server.url);
    expect(await thrownBy(client.call(SEARCH, [[]]))).toMatchObject({ code: 'tryton_unreachable' });
    expect(server.methods()).toEqual(['common.db.login']);
  });
});

describe('options', () => {
  const options = { url: 'http://tryton.example/tryton', user: USER, password: PASSWORD };

  it('give the address without credentials', () => {
    const url = 'https://u:pa55@tryton.example/erp/tryton?x=1';
    expect(new TrytonClient({ ...options, url }).server).toBe('https://tryton.example/erp/tryton/');
  });

  it.each([
    { ...options, url: 'tryton.example/tryton/' },
    { ...options, url: 'http://tryton.example/' },
    { ...options, url: 'redis://tryton.example/tryton/' },
    { ...options, user: '' },
    { ...options, user: 'a:b' },
  ])('that cannot work are refused: %o', (wrong) => {
    expect(() => new TrytonClient(wrong)).toThrow(expect.objectContaining({ code: 'tryton_bad_request' }));
  });
});
