import { describe, expect, it, onTestFinished } from 'vitest';
import { createOdooClient } from '../../src/odoo/client.ts';
import type { OdooProtocol } from '../../src/odoo/types.ts';
import type { Scripted } from './scripted-server.ts';
import { asked, result, scriptedServer } from './scripted-server.ts';

const absent: Scripted = { status: 404, headers: { 'content-type': 'text/html' }, body: '<html>' };
const json = (status: number, value: unknown): Scripted => ({ status, body: JSON.stringify(value) });
const xml = (value: string): Scripted => ({
  headers: { 'content-type': 'text/xml' },
  body: `<?xml version='1.0'?><methodResponse>${value}</methodResponse>`,
});

interface Office {
  readonly version: string;
  readonly has: readonly OdooProtocol[];
  readonly password?: string;
  readonly key?: string;
}

/** A server that only lets in, by the protocols it has. */
function office({ version, has, password, key }: Office) {
  return scriptedServer((request) => {
    if (request.path === '/web/version') return has.includes('json2') ? json(200, { version }) : absent;
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

async function connecting(kind: Office, protocol: 'auto' | OdooProtocol = 'auto') {
  const server = await office(kind);
  const client = createOdooClient({
    url: server.url,
    db: 'd',
    user: 'bot',
    password: 'secret',
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
  it.each<[string, Office, OdooProtocol, string]>([
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
      'JSON-RPC on an 18 that tells its version',
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

  it.each(all)('%s that the server lacks is named', async (protocol) => {
    const { client } = await connecting({ version: '', has: [] }, protocol);
    await expect(client.connect()).rejects.toMatchObject({ code: 'odoo_wrong_url' });
  });
});

describe('signing in', () => {
  const options = {
    db: 'd',
    user: 'bot',
    password: 'secret',
    protocol: 'jsonrpc',
    timeoutMs: 20_000,
    context: {},
  } as const;

  it('is not tried again by itself, even when the server is only busy', async () => {
    const server = await scriptedServer((request) =>
      asked(request).method === 'version' ? result({ server_version: '14.0' }) : { status: 503 },
    );
    const client = createOdooClient({ ...options, url: server.url, concurrency: 1 });
    onTestFinished(() => client.close());
    await expect(client.connect()).rejects.toMatchObject({ code: 'odoo_unavailable' });
    expect(server.received.map((request) => asked(request).method)).toEqual(['version', 'authenticate']);
  });

  it.each([
    [401, 'werkzeug.exceptions.Unauthorized', 'odoo_bad_credentials'],
    // What 19.0 makes of any trouble while it looks for the key.
    [403, 'odoo.exceptions.AccessDenied', 'odoo_storage_trouble'],
  ])('over JSON-2 is refused by HTTP %s, %s: %s', async (status, name, code) => {
    const server = await scriptedServer((request) =>
      request.method === 'GET'
        ? json(200, { version: '19.0' })
        : json(status, { name, message: 'Access Denied' }),
    );
    const client = createOdooClient({ ...options, url: server.url, protocol: 'json2', concurrency: 1 });
    onTestFinished(() => client.close());
    await expect(client.connect()).rejects.toMatchObject({ code });
  });

  it('happens anew after a read found the secret refused', async () => {
    const denied = { name: 'odoo.exceptions.AccessDenied', message: 'Access Denied', debug: 'Traceback' };
    let refuse = true;
    const server = await scriptedServer((request) => {
      const { method } = asked(request);
      if (method === 'version') return result({ server_version: '14.0' });
      if (method === 'authenticate') return result(2);
      return refuse
        ? json(200, {
            jsonrpc: '2.0',
            id: 1,
            error: { code: 200, message: 'Odoo Server Error', data: denied },
          })
        : result([1]);
    });
    const client = createOdooClient({ ...options, url: server.url, concurrency: 1 });
    onTestFinished(() => client.close());
    await expect(client.search('m', [])).rejects.toMatchObject({ code: 'odoo_bad_credentials' });
    refuse = false;
    expect(await client.search('m', [])).toEqual([1]);
    const methods = server.received.map((request) => asked(request).method);
    expect(methods.filter((method) => method === 'authenticate')).toHaveLength(2);
  });
});
