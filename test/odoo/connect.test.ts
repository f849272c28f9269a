import { describe, expect, it, onTestFinished } from 'vitest';
import { createOdooClient } from '../../src/odoo/client.ts';
import type { OdooProtocol } from '../../src/odoo/types.ts';
import type { Scripted } from './scripted-server.ts';
import { asked, result, scriptedServer } from './scripted-server.ts';

const page = (status: number): Scripted => ({
  status,
  headers: { 'content-type': 'text/html' },
  body: '<html>',
});
const absent = page(404);
const json = (status: number, value: unknown): Scripted => ({ status, body: JSON.stringify(value) });
const xml = (value: string): Scripted => ({
  headers: { 'content-type': 'text/xml' },
  body: `<?xml version='1.0'?><methodResponse>${value}</methodResponse>`,
});

interface TestSetup {
  readonly version: string;
  readonly has: readonly OdooProtocol[];
  readonly password?: string;
  readonly key?: string;
  /** The answer of a proxy in place of JSON-2. */
  readonly kept?: Scripted;
}

/** A server that only lets in, by the protocols it has. */
function setup({ version, has, password, key, kept }: TestSetup) {
  return scriptedServer((request) => {
    if (request.path === '/web/version') return has.includes('json2') ? json(200, { version }) : absent;
    if (request.path.startsWith('/json/2/') && kept !== undefined) return kept;
    if (request.path.startsWith('/json/2/') && has.includes('json2'))
      return request.headers.authorization === `bearer ${key}`
        ? json(200, { uid: 7, lang: 'en_US' })
        : json(401, {
            name: 'werkzeug.exceptions.Unauthorized',
            message: 'Invalid apikey',
            debug: 'Traceback',
          });
    if (request.path === '/jsonrpc' && has.includes('jsonrpc')) {
      const { method, args } = asked(request);
      return result(method === 'version' ? { server_version: version } : args[2] === password ? 7 : false);
    }
    if (request.path === '/xmlrpc/2/common' && has.includes('xmlrpc')) {
      if (request.body.includes('<methodName>version<'))
        return xml(
          `<params><param><value><struct><member><name>server_version</name><value>${version}</value></member></struct></value></param></params>`,
        );
      const value = request.body.includes(`<string>${password}</string>`)
        ? '<int>7</int>'
        : '<boolean>0</boolean>';
      return xml(`<params><param><value>${value}</value></param></params>`);
    }
    return absent;
  });
}

async function connecting(kind: TestSetup, protocol: 'auto' | OdooProtocol = 'auto', password = 'secret') {
  const server = await setup(kind);
  const client = createOdooClient({
    url: server.url,
    db: 'd',
    user: 'bot',
    password,
    protocol,
    timeoutMs: 20_000,
    context: {},
    concurrency: 1,
  });
  onTestFinished(() => client.close());
  return { client, paths: () => server.received.map((request) => request.path) };
}

const all = ['json2', 'jsonrpc', 'xmlrpc'] as const;
const old = ['jsonrpc', 'xmlrpc'] as const;

describe('auto', () => {
  it.each<[string, TestSetup, OdooProtocol, string]>([
    [
      'JSON-2 on 19 with an API key',
      { version: '19.0', has: all, key: 'secret' },
      'json2',
      'takes the secret as an API key',
    ],
    [
      'JSON-2 on an online release',
      { version: 'saas~19.2', has: all, key: 'secret' },
      'json2',
      'saas~19.2 has JSON-2',
    ],
    [
      'JSON-RPC on 19 with a password',
      { version: '19.0', has: all, password: 'secret' },
      'jsonrpc',
      'not an API key for it',
    ],
    [
      'JSON-RPC before 19',
      { version: '14.0-20221015', has: old, password: 'secret' },
      'jsonrpc',
      'needs Odoo 19',
    ],
    [
      'JSON-RPC on an 18 that gives its version',
      { version: 'saas~18.4', has: all, key: 'secret', password: 'secret' },
      'jsonrpc',
      'needs Odoo 19',
    ],
    [
      'XML-RPC where JSON-RPC is gone',
      { version: '14.0', has: ['xmlrpc'], password: 'secret' },
      'xmlrpc',
      'no JSON-RPC',
    ],
  ])('takes %s', async (_, kind, protocol, reason) => {
    const { client } = await connecting(kind);
    expect(await client.connect()).toEqual({
      protocol,
      version: kind.version,
      uid: 7,
      reason: expect.stringContaining(reason),
    });
  });

  it('asks one login and one key when the secret is wrong, and gives up', async () => {
    const { client, paths } = await connecting({
      version: '19.0',
      has: all,
      password: 'other',
      key: 'other',
    });
    await expect(client.connect()).rejects.toMatchObject({ code: 'odoo_bad_credentials', retryable: false });
    expect(paths()).toEqual(['/web/version', '/json/2/res.users/context_get', '/jsonrpc']);
  });

  it.each(['10€-secret', 'œuvre'])(
    'never sends %s, which no header can carry, as a key',
    async (password) => {
      const { client, paths } = await connecting({ version: '19.0', has: all, password }, 'auto', password);
      expect(await client.connect()).toMatchObject({
        protocol: 'jsonrpc',
        reason: expect.stringContaining('not an API key for it'),
      });
      expect(paths()).toEqual(['/web/version', '/jsonrpc']);
    },
  );

  it.each([404, 403])('takes JSON-RPC where a proxy answers %i for JSON-2', async (status) => {
    const kept = page(status);
    const { client } = await connecting({ version: '19.0', has: all, password: 'secret', kept });
    expect(await client.connect()).toMatchObject({
      protocol: 'jsonrpc',
      reason: 'Odoo 19.0 has JSON-2, but something in front of it keeps /json/2 back',
    });
  });

  it('says that the secret is wrong where only JSON-2 is left', async () => {
    const { client } = await connecting({ version: '22.0', has: ['json2'], key: 'other' });
    await expect(client.connect()).rejects.toMatchObject({ code: 'odoo_bad_credentials' });
  });

  it('says that there is no Odoo where nothing answers', async () => {
    const { client } = await connecting({ version: '', has: [] });
    await expect(client.connect()).rejects.toMatchObject({ code: 'odoo_wrong_url' });
  });
});

describe('a named protocol', () => {
  it.each(all)('%s is taken and nothing else tried', async (protocol) => {
    const { client } = await connecting(
      { version: '19.0', has: [protocol], key: 'secret', password: 'secret' },
      protocol,
    );
    expect(await client.connect()).toMatchObject({ protocol, version: '19.0', uid: 7 });
    expect(client.calls).toBe(2);
  });

  it.each(all)('%s refuses a wrong secret after one try, without a traceback', async (protocol) => {
    const { client } = await connecting(
      { version: '19.0', has: [protocol], key: 'other', password: 'other' },
      protocol,
    );
    const error = await client.connect().catch((thrown: Error) => thrown);
    expect(error).toMatchObject({
      code: 'odoo_bad_credentials',
      message: expect.stringContaining('login of bot'),
    });
    expect(String(error)).not.toMatch(/Traceback|secret/);
    expect(client.calls).toBe(2);
  });

  it('json2 falls back on nothing, whatever answers in its place', async () => {
    const has = { version: '19.0', has: all, password: '10€-secret' };
    for (const [kept, code] of [
      [page(404), 'odoo_wrong_url'],
      [page(403), 'odoo_malformed_answer'],
    ] as const) {
      const { client } = await connecting({ ...has, kept }, 'json2');
      await expect(client.connect()).rejects.toMatchObject({ code });
    }
    const { client, paths } = await connecting(has, 'json2', has.password);
    await expect(client.connect()).rejects.toMatchObject({ code: 'odoo_bad_credentials' });
    expect(paths()).toEqual(['/web/version']);
  });

  it.each(all)('%s that the server lacks is named', async (protocol) => {
    const { client } = await connecting({ version: '', has: [] }, protocol);
    await expect(client.connect()).rejects.toMatchObject({ code: 'odoo_wrong_url' });
  });
});
