import { describe, expect, it } from 'vitest';
import { clientAndServer, clientOf, thrownBy } from './clients.ts';
import { failure, page, result, scriptedServer, tryton70 } from './scripted-server.ts';

const PREFERENCES = 'model.res.user.get_preferences';

describe('a ping', () => {
  it('gives version, latency and the age of the session', async () => {
    let now = 1_000_000;
    const { server, client } = await clientAndServer((request) => result(request, { language: 'en' }), {
      context: { company: 1 },
      clock: () => now,
    });
    await client.ping();
    now += 5000;
    expect(await client.ping()).toEqual({
      reachable: true,
      authenticated: true,
      version: '7.0.30',
      latencyMs: expect.any(Number),
      sessionAgeMs: 5000,
      circuit: null,
      error: null,
    });
    expect(server.received.slice(-2)).toMatchObject([
      { path: '/', method: 'common.server.version', params: [] },
      { path: '/tryton/', method: PREFERENCES, params: [true, { company: 1 }] },
    ]);
  });

  it('of a server that does not run says so, after one try', async () => {
    const server = await scriptedServer(() => undefined);
    await server.stop();
    const { client, lines } = clientOf(server.url);
    expect(await client.ping()).toEqual({
      reachable: false,
      authenticated: false,
      version: null,
      latencyMs: null,
      sessionAgeMs: null,
      circuit: null,
      error: { code: 'tryton_unreachable', message: expect.stringContaining('ECONNREFUSED') },
    });
    expect(lines).toHaveLength(1);
  });

  it('with a wrong password is reachable, not authenticated, and shows the circuit', async () => {
    const server = await scriptedServer((request, response, count) =>
      request.method === 'common.db.login'
        ? page(401)
        : tryton70((call) => result(call, 1))(request, response, count),
    );
    const { client } = clientOf(server.url);
    const first = await client.ping();
    expect(first).toMatchObject({
      reachable: true,
      authenticated: false,
      version: '7.0.30',
      sessionAgeMs: null,
      error: { code: 'tryton_bad_credentials' },
      circuit: { code: 'tryton_bad_credentials', until: expect.any(Number) },
    });
    expect(await client.ping()).toMatchObject({ error: { code: 'tryton_login_suspended' } });
    expect(server.methods().filter((method) => method === 'common.db.login')).toHaveLength(1);
  });

  it('goes on where the root of the server is not offered', async () => {
    const { client } = await clientAndServer((request) => result(request, {}));
    const server = await scriptedServer((request, response, count) =>
      request.path === '/' ? page(404) : tryton70((call) => result(call, {}))(request, response, count),
    );
    const proxied = clientOf(server.url).client;
    expect(await proxied.ping()).toMatchObject({
      reachable: true,
      authenticated: true,
      version: null,
      error: { code: 'tryton_malformed_answer' },
    });
    expect(await client.ping()).toMatchObject({ error: null });
  });

  it('gives the objection of the server', async () => {
    const { client } = await clientAndServer((request) => failure(request, 'UserError', ['Not you.', '']));
    expect(await client.ping()).toMatchObject({
      reachable: true,
      authenticated: false,
      error: { code: 'tryton_user_error', message: expect.stringContaining('Not you.') },
    });
  });

  it('throws nothing but the reason of its signal', async () => {
    const { client } = await clientAndServer((request) => result(request, {}));
    const reason = new Error('enough');
    expect(await thrownBy(client.ping({ signal: AbortSignal.abort(reason) }))).toBe(reason);
  });
});
