import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type SandboxOdoo, startSandboxOdoo } from '../../../dev/sandbox-odoo/sandbox.ts';
import { execute } from './odoo-request.ts';

const NAME = 'Noël & <fils> 🎄\u0007';
const CLOCK = new Date('2026-03-01T08:00:00Z');
let sandbox: SandboxOdoo;
let old: SandboxOdoo;

beforeAll(async () => {
  sandbox = await startSandboxOdoo({ clock: () => CLOCK });
  old = await startSandboxOdoo({ version: '14.0' });
  sandbox.create('dimagaz.bc', { name: NAME, discount_rate: 3, scan: Buffer.alloc(1500).toString('base64') });
});
afterAll(() => Promise.all([sandbox.stop(), old.stop()]));

const post = (path: string, body: string, headers: Record<string, string>) =>
  fetch(sandbox.url + path, { method: 'POST', body, headers });
const json2 = (method: string, body: object, key = sandbox.apiKey) =>
  post(`/json/2/dimagaz.bc/${method}`, JSON.stringify(body), {
    authorization: `bearer ${key}`,
    'content-type': 'application/json',
  });
const xmlRead = (db: string) => {
  const fields = '<array><data><value>name</value><value>discount_rate</value></data></array>';
  const options = `<struct><member><name>fields</name><value>${fields}</value></member></struct>`;
  const ids =
    '<array><data><value><array><data><value><int>1</int></value></data></array></value></data></array>';
  const values = [
    `<string><![CDATA[${db}]]></string>`,
    '<int>2</int>',
    sandbox.password,
    'dimagaz.bc',
    'read',
    ids,
    options,
  ];
  const params = values.map((value) => `<param><value>${value}</value></param>`).join('');
  const call = `<methodCall><methodName>execute_kw</methodName><params>${params}</params></methodCall>`;
  return post('/xmlrpc/2/object', `<?xml version="1.0"?>${call}`, { 'content-type': 'text/xml' });
};

describe('XML-RPC', () => {
  it('writes text without control characters and a whole float as a double', async () => {
    const text = await (await xmlRead(sandbox.db)).text();
    expect(text).toContain('<string>Noël &amp; &lt;fils&gt; 🎄</string>');
    expect(text).toContain('<double>3.0</double>');
  });

  it('answers an unknown database with fault 1', async () => {
    const text = await (await xmlRead('nowhere')).text();
    expect(text).toContain('<name>faultCode</name>\n<value><int>1</int></value>');
    expect(text).toContain('FATAL:  database "nowhere" does not exist');
  });
});

describe('JSON-RPC', () => {
  it('reads with ids, names, sizes of binaries and stamps of whole seconds', async () => {
    const fields = ['name', 'user_id', 'scan', 'write_date', 'line_ids', 'notes', 'discount_rate'];
    const keywords = { fields, context: { bin_size: true } };
    expect((await execute(sandbox, 'dimagaz.bc', 'read', [[1]], keywords)).result).toEqual([
      {
        id: 1,
        name: NAME,
        user_id: [2, 'Passerelle'],
        scan: '1.46 Kb',
        write_date: '2026-03-01 08:00:00',
        line_ids: [],
        notes: false,
        discount_rate: 3,
      },
    ]);
  });

  it('words errors as each version does', async () => {
    const now = await execute(sandbox, 'no.model', 'search', [[]]);
    const then = await execute(old, 'dimagaz.bc', 'publish', [[]]);
    expect(now.error).toMatchObject({ code: 0, data: { message: "Object no.model doesn't exist" } });
    expect(then.error?.data.message).toBe("type object 'dimagaz.bc' has no attribute 'publish'");
    expect(then.error?.code).toBe(200);
  });

  it('dates its answers by its own clock', async () => {
    const response = await fetch(`${sandbox.url}/web/version`);
    expect(response.headers.get('date')).toBe('Sun, 01 Mar 2026 08:00:00 GMT');
  });
});

describe('JSON-2', () => {
  it('answers the bare value', async () => {
    const response = await json2('read', { ids: [1, 99], fields: ['name'] });
    expect([response.status, await response.json()]).toEqual([200, [{ id: 1, name: NAME }]]);
  });

  it('takes the API key and not the password', async () => {
    const response = await json2('search', { domain: [] }, sandbox.password);
    expect([response.status, await response.json()]).toMatchObject([401, { message: 'Invalid apikey' }]);
  });

  it('refuses unknown methods, arguments and ids where none belong', async () => {
    const statuses = await Promise.all([
      json2('publish', {}),
      json2('search', { domain: [], bogus: 1 }),
      json2('search', { domain: [], ids: [1] }),
      json2('search', { domain: [['nofield', '=', 1]] }),
    ]);
    expect(statuses.map(({ status }) => status)).toEqual([404, 422, 422, 500]);
  });

  it('does not exist on version 14', async () => {
    const response = await fetch(`${old.url}/json/2/dimagaz.bc/search`, { method: 'POST', body: '{}' });
    expect(response.status).toBe(404);
  });
});

describe('faults', () => {
  it('hits the chosen calls, and counts calls', async () => {
    sandbox.calls.length = 0;
    sandbox.faults.next(1, 'bad_gateway');
    sandbox.faults.when({ method: 'read', ids: [1] }, 'user_error');
    expect((await json2('search', { domain: [] })).status).toBe(502);
    expect((await json2('search', { domain: [] })).status).toBe(200);
    expect((await json2('read', { ids: [2, 1] })).status).toBe(422);
    expect((await json2('read', { ids: [2] })).status).toBe(200);
    expect(sandbox.calls.map(({ method }) => method)).toEqual(['search', 'search', 'read', 'read']);
    sandbox.faults.clear();
  });

  it('breaks connections and answers', async () => {
    sandbox.faults.next(1, 'drop');
    await expect(json2('search', { domain: [] })).rejects.toThrow('fetch failed');
    sandbox.faults.next(1, 'drop_midway');
    await expect(json2('search', { domain: [] }).then((response) => response.text())).rejects.toThrow();
    sandbox.faults.next(1, 'malformed');
    const half = await json2('read', { ids: [1] });
    await expect(half.json()).rejects.toThrow('JSON');
  });
});
