import { describe, expect, it, onTestFinished } from 'vitest';
import type { OdooCall } from '../../src/odoo/call-limiter.ts';
import type { OdooClientOptions } from '../../src/odoo/client.ts';
import { createOdooClient } from '../../src/odoo/client.ts';
import type { Script } from './scripted-server.ts';
import { odoo14, result, scriptedServer } from './scripted-server.ts';

const html = { 'content-type': 'text/html' };

function clientOf(url: string, options: Partial<OdooClientOptions> = {}) {
  const calls: OdooCall[] = [];
  const client = createOdooClient({
    url,
    db: 'prod',
    user: 'bot',
    password: 's3cret-value',
    protocol: 'jsonrpc',
    timeoutMs: 20_000,
    context: {},
    concurrency: 4,
    onCall: (call) => calls.push(call),
    ...options,
  });
  onTestFinished(() => client.close());
  return { client, calls };
}

/** An Odoo that signs in, then does this to every read. */
async function misbehaving(script: Script, options: Partial<OdooClientOptions> = {}) {
  const server = await scriptedServer(odoo14(script));
  const { client, calls } = clientOf(server.url, options);
  await client.connect();
  return { server, client, calls: () => calls.slice(2) };
}

describe('a call that does not end', () => {
  it.each<[string, Script]>([
    ['before the headers', () => undefined],
    [
      'in the middle of the body',
      (_, response) => {
        response.writeHead(200, { 'content-type': 'application/json' });
        response.write('{"jsonrpc": "2.0", ');
        return undefined;
      },
    ],
  ])('%s is a timeout that is not retried', async (_, script) => {
    const { client, calls } = await misbehaving(script, { timeoutMs: 300 });
    const failure = expect(client.search('res.partner', [])).rejects;
    await failure.toMatchObject({ code: 'odoo_timeout', retryable: true });
    expect(calls()).toHaveLength(1);
    expect(calls()[0]).toMatchObject({
      method: 'search',
      model: 'res.partner',
      ok: false,
      code: 'odoo_timeout',
    });
  });

  it('names server, database, call and limit', async () => {
    const { client, server } = await misbehaving(() => undefined, { timeoutMs: 300 });
    await expect(client.search('res.partner', [])).rejects.toThrow(
      `Odoo at ${server.url}/ (database prod), call res.partner.search: no complete answer within 300 ms.`,
    );
  });
});

describe('a connection that fails', () => {
  it('is retried and the answer used when it comes', async () => {
    const { client, calls } = await misbehaving((_, response, count) => {
      if (count === 3) return result([1, 2]);
      response.socket?.destroy();
      return undefined;
    });
    expect(await client.search('res.partner', [])).toEqual([1, 2]);
    expect(calls().map((call) => call.code)).toEqual(['odoo_unreachable', 'odoo_unreachable', undefined]);
  });

  it('is unreachable after three tries', async () => {
    const server = await scriptedServer(() => undefined);
    await new Promise((resolve) => server.close().on('close', resolve));
    const { client } = clientOf(server.url);
    await expect(client.search('res.partner', [])).rejects.toMatchObject({ code: 'odoo_unreachable' });
    expect(client.calls).toBe(3);
  });
});

describe('a server that is busy', () => {
  it.each([429, 502, 503, 504])('is asked again after HTTP %d', async (status) => {
    const { client } = await misbehaving((_, _response, count) => (count === 1 ? { status } : result([7])));
    expect(await client.search('res.partner', [])).toEqual([7]);
  });

  it('is given up after three tries', async () => {
    const { client, calls } = await misbehaving(() => ({ status: 503, headers: html, body: '<html>' }));
    await expect(client.search('res.partner', [])).rejects.toMatchObject({ code: 'odoo_unavailable' });
    expect(calls()).toHaveLength(3);
  });

  it('is left alone when it asks to wait long', async () => {
    const { client, calls } = await misbehaving(() => ({ status: 429, headers: { 'retry-after': '120' } }));
    const failure = expect(client.search('res.partner', [])).rejects;
    await failure.toMatchObject({ code: 'odoo_unavailable', retryAfterMs: 120_000 });
    expect(calls()).toHaveLength(1);
  });
});

describe('an answer that is not of the protocol', () => {
  it.each<[string, Script, string, RegExp]>([
    [
      'a web page',
      () => ({ headers: html, body: '<html><title>Sign in</title>' }),
      'odoo_malformed_answer',
      /web page \("Sign in"\)/,
    ],
    [
      'an error page',
      () => ({ status: 500, headers: html, body: '<!doctype html>' }),
      'odoo_malformed_answer',
      /HTTP 500 with a web page/,
    ],
    ['nothing', () => ({ body: '' }), 'odoo_malformed_answer', /HTTP 200 with an empty body/],
    [
      'a page that does not exist',
      () => ({ status: 404, headers: html, body: '<html>' }),
      'odoo_wrong_url',
      /no \/jsonrpc there/,
    ],
    [
      'a redirect',
      () => ({ status: 301, headers: { location: 'https://new.example/' } }),
      'odoo_wrong_url',
      /redirected to https:\/\/new\.example\/\. Set ODOO_URL/,
    ],
    [
      'half of it',
      () => ({ body: '{"jsonrpc": "2.0", "result": [1,' }),
      'odoo_malformed_answer',
      /not complete JSON/,
    ],
    ['other JSON', () => ({ body: '{"status": "ok"}' }), 'odoo_malformed_answer', /which is not JSON-RPC/],
    [
      'NaN',
      () => ({ body: '{"jsonrpc": "2.0", "result": [NaN]}' }),
      'odoo_malformed_answer',
      /res\.partner\.search.*NaN or infinite/,
    ],
    ['something else than ids', () => result([{ id: 1 }]), 'odoo_malformed_answer', /not a list of ids/],
    [
      'no result',
      () => ({ body: '{"jsonrpc": "2.0", "id": 1}' }),
      'odoo_malformed_answer',
      /not a list of ids/,
    ],
  ])('%s has a clear error and is not retried', async (_, script, code, message) => {
    const { client, calls } = await misbehaving(script);
    const error = await client.search('res.partner', []).catch((thrown: Error) => thrown);
    expect(error).toMatchObject({ code, message: expect.stringMatching(message) });
    expect(calls()).toHaveLength(1);
  });
});

describe('records in an answer', () => {
  const read = async (answer: unknown) => {
    const { client } = await misbehaving(() => result(answer));
    return client.read('res.partner', [1, 2], { fields: ['id', 'name'] });
  };

  it('that come twice with the same content are one', async () => {
    expect(
      await read([
        { id: 1, name: 'a' },
        { id: 1, name: 'a' },
      ]),
    ).toEqual([{ id: 1, name: 'a' }]);
  });

  it.each([
    [
      'come twice with different contents',
      [
        { id: 1, name: 'a' },
        { id: 1, name: 'b' },
      ],
      /record 1 twice/,
    ],
    ['were not asked for', [{ id: 1 }, { id: 3 }], /record 3, which was not asked for/],
    ['have a text for an id', [{ id: 1 }, { id: '2' }], /one has as id "2"/],
    ['have a negative id', [{ id: -2 }], /one has as id -2/],
    ['have no id', [{ name: 'a' }], /one has none/],
    ['are no records', [7], /one has none/],
  ])('that %s are refused, and the culprit is named', async (_, answer, message) => {
    const error = await read(answer).catch((thrown: Error) => thrown);
    expect(error).toMatchObject({ code: 'odoo_malformed_answer', message: expect.stringMatching(message) });
  });
});

describe('the clock', () => {
  it('is the Date header of the server', async () => {
    const server = await scriptedServer((request, response, count) => {
      response.setHeader('date', 'Sat, 31 Jan 2026 08:00:00 GMT');
      return odoo14(() => undefined)(request, response, count);
    });
    expect(await clientOf(server.url).client.clock()).toEqual(new Date('2026-01-31T08:00:00Z'));
  });

  it('cannot be known without that header', async () => {
    const server = await scriptedServer((request, response, count) => {
      response.sendDate = false;
      return odoo14(() => undefined)(request, response, count);
    });
    const failure = expect(clientOf(server.url).client.clock()).rejects;
    await failure.toMatchObject({
      code: 'odoo_malformed_answer',
      message: expect.stringContaining('no Date header'),
    });
  });
});

describe('messages', () => {
  it('never hold the secret, nor what the URL carries beside the address', async () => {
    const server = await scriptedServer(() => undefined);
    const url = `${server.url.replace('//', '//proxy:pa55@')}/odoo/?token=abc`;
    const { client } = clientOf(url, { timeoutMs: 200 });
    const error = await client.search('res.partner', []).catch((thrown: Error) => thrown);
    expect(`${error}${client.target}`).not.toMatch(/s3cret|pa55|abc/);
    expect(client.target).toBe(`${server.url}/odoo/ (database prod)`);
    expect(server.received[0]?.path).toBe('/odoo/jsonrpc');
  });
});
