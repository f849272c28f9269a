import { describe, expect, it, onTestFinished } from 'vitest';
import { createOdooClient } from '../../src/odoo/client.ts';
import { waitFor } from '../support/wait-for.ts';
import type { Scripted } from './scripted-server.ts';
import { asked, result, scriptedServer } from './scripted-server.ts';

const json = (status: number, value: unknown): Scripted => ({ status, body: JSON.stringify(value) });
const options = {
  db: 'd',
  user: 'bot',
  password: 'secret',
  protocol: 'jsonrpc',
  timeoutMs: 20_000,
  context: {},
  concurrency: 4,
} as const;

/** A call that is answered by Odoo's `AccessDenied`. */
const denied = json(200, {
  jsonrpc: '2.0',
  id: 1,
  error: {
    code: 200,
    message: 'Odoo Server Error',
    data: { name: 'odoo.exceptions.AccessDenied', message: 'Access Denied', debug: 'Traceback' },
  },
});

describe('signing in', () => {
  it('is not tried again by itself, even when the server is only busy', async () => {
    const server = await scriptedServer((request) =>
      asked(request).method === 'version' ? result({ server_version: '14.0' }) : { status: 503 },
    );
    const client = createOdooClient({ ...options, url: server.url });
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
    const client = createOdooClient({ ...options, url: server.url, protocol: 'json2' });
    onTestFinished(() => client.close());
    await expect(client.connect()).rejects.toMatchObject({ code });
  });

  it('is repeated after a read found the secret refused', async () => {
    let refuse = true;
    const server = await scriptedServer((request) => {
      const { method } = asked(request);
      if (method === 'version') return result({ server_version: '14.0' });
      if (method === 'authenticate') return result(2);
      return refuse ? denied : result([1]);
    });
    const client = createOdooClient({ ...options, url: server.url });
    onTestFinished(() => client.close());
    await expect(client.search('m', [])).rejects.toMatchObject({ code: 'odoo_bad_credentials' });
    refuse = false;
    expect(await client.search('m', [])).toEqual([1]);
    const methods = server.received.map((request) => asked(request).method);
    expect(methods.filter((method) => method === 'authenticate')).toHaveLength(2);
  });
});

it('reads that were refused together sign in once', async () => {
  const held = new Map<string, () => void>();
  let logins = 0;
  const server = await scriptedServer((request, response) => {
    const { method, args } = asked(request);
    const what = method === 'execute_kw' ? args[3] : `${method} ${method === 'authenticate' ? ++logins : ''}`;
    if (what === 'refused late' || what === 'authenticate 2') {
      const { body } = what === 'refused late' ? denied : result(2);
      held.set(what, () => response.end(body));
      return undefined;
    }
    if (what === 'refused') return denied;
    return result(method === 'version' ? { server_version: '14.0' } : method === 'authenticate' ? 2 : [1]);
  });
  const client = createOdooClient({ ...options, url: server.url });
  onTestFinished(() => client.close());
  const late = client.search('refused late', []);
  await waitFor(() => held.has('refused late'), 'the first read');
  await expect(client.search('refused', [])).rejects.toMatchObject({ code: 'odoo_bad_credentials' });
  const next = client.search('m', []);
  await waitFor(() => held.has('authenticate 2'), 'the second login');
  held.get('refused late')?.();
  await expect(late).rejects.toMatchObject({ code: 'odoo_bad_credentials' });
  const another = client.search('m', []);
  held.get('authenticate 2')?.();
  expect(await Promise.all([next, another])).toEqual([[1], [1]]);
  expect(logins).toBe(2);
});

describe('a refused login', () => {
  const MINUTE = 60_000;

  /** An Odoo that lets in whom `accepts` says, and a client with a clock of its own. */
  async function refusing(accepts: () => boolean) {
    let now = Date.parse('2026-11-23T08:00:00Z');
    const server = await scriptedServer((request) => {
      const { method } = asked(request);
      if (method === 'version') return result({ server_version: '14.0' });
      if (method === 'authenticate') return result(accepts() && 7);
      return accepts() ? result([1]) : denied;
    });
    const client = createOdooClient({ ...options, url: server.url, clock: () => now });
    onTestFinished(() => client.close());
    return {
      client,
      pass: (ms: number) => {
        now += ms;
      },
      asked: () => server.received.map((request) => asked(request).method),
      logins: () => server.received.filter((request) => asked(request).method === 'authenticate').length,
      refused: () =>
        expect(client.connect()).rejects.toMatchObject({
          code: 'odoo_bad_credentials',
          message: expect.stringContaining('Check ODOO_USER and ODOO_PASSWORD'),
        }),
    };
  }

  it('is remembered: however often it is asked for within a minute, Odoo is asked once', async () => {
    const { client, pass, asked: methods, refused } = await refusing(() => false);
    for (let i = 0; i < 10; i++) {
      await refused();
      pass(MINUTE / 10 - 1);
    }
    await expect(client.search('m', [])).rejects.toMatchObject({ code: 'odoo_bad_credentials' });
    await expect(client.clock()).rejects.toMatchObject({ code: 'odoo_bad_credentials' });
    expect(methods()).toEqual(['version', 'authenticate']);
    pass(10);
    await refused();
    expect(methods()).toEqual(['version', 'authenticate', 'version', 'authenticate']);
  });

  it('is tried again after pauses of 1, 2, 4, 8 and then 15 minutes', async () => {
    const { pass, logins, refused } = await refusing(() => false);
    await refused();
    for (const [at, minutes] of [1, 2, 4, 8, 15, 15].entries()) {
      pass(minutes * MINUTE - 1);
      await refused();
      expect(logins()).toBe(at + 1);
      pass(1);
      await refused();
      expect(logins()).toBe(at + 2);
    }
  });

  it('says until when none is tried, and what tries at once', async () => {
    const { client } = await refusing(() => false);
    for (let i = 0; i < 2; i++)
      await expect(client.connect()).rejects.toThrow(
        'does not try it again before 2026-11-23T08:01:00.000Z; one that is restarted tries at once.',
      );
  });

  it('is forgotten with the first that is not refused, and counted from one again', async () => {
    let accepted = false;
    const { client, pass, logins, refused } = await refusing(() => accepted);
    for (const minutes of [1, 2]) {
      await refused();
      pass(minutes * MINUTE);
    }
    accepted = true;
    expect(await client.search('m', [])).toEqual([1]);
    accepted = false;
    await expect(client.search('m', [])).rejects.toMatchObject({ code: 'odoo_bad_credentials' });
    await refused();
    pass(MINUTE);
    accepted = true;
    expect(await client.search('m', [])).toEqual([1]);
    expect(logins()).toBe(5);
  });
});
