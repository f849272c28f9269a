import { once } from 'node:events';
import { createServer, request as forward } from 'node:http';
import type { AddressInfo } from 'node:net';
import { pino } from 'pino';
import { startSandboxTryton } from '../../dev/sandbox-tryton/sandbox.ts';
import { writeCursor } from '../../src/api/routes/documents/cursors.ts';
import { listKnownFields } from '../../src/api/routes/documents/fields-cache.ts';
import { listQuery, readListQuery } from '../../src/api/routes/documents/query.ts';
import { createApiKey } from '../../src/db/api-keys.ts';
import { openDatabase } from '../../src/db/client.ts';
import type { TestApi } from '../api/http/start-api.ts';
import { bearer, startApi } from '../api/http/start-api.ts';
import { openTestSetup } from '../support/test-setup.ts';
import type { Abusing } from './abuse.ts';
import type { Operation } from './operations.ts';
import { operationsOf } from './operations.ts';
import type { Knowledge } from './requests.ts';
import { send } from './send.ts';

/** Nobody would use them for anything else: where one of them is seen, it leaked. */
const SECRETS = {
  ODOO_PASSWORD: 'odoo-geheim-7f3a9c',
  TRYTON_PASSWORD: 'tryton-geheim-51e0bd',
  ADMIN_PASSWORD: 'admin-geheim-c04d28',
  ODOO_HOOK_SECRET: 'hook-geheim-0123456789-e9b1',
  ALERT_WEBHOOK_SECRET: 'alert-geheim-0123456789-a6d2',
  SMTP_SECRET: 'smtp-geheim-88f7',
};

export interface FuzzStage {
  readonly origin: string;
  readonly operations: readonly Operation[];
  readonly knowledge: Knowledge & Abusing;
  readonly key: string;
  /** Secrets that a text holds. */
  leaks(text: string): string[];
  /** Lines of the log that held one. */
  readonly leaked: readonly string[];
  /** Lines of the log that show a fault of our own. */
  readonly faults: readonly string[];
  /** Empties what the sandboxes remember, which grows with each call. */
  forget(): void;
  close(): Promise<void>;
}

/** The whole API on a port, with a mirror that has something in it, a Tryton, keys, and no worker: nothing is read. */
export async function openFuzzStage(): Promise<FuzzStage> {
  const { ODOO_PASSWORD: apiKey, TRYTON_PASSWORD: password, SMTP_SECRET: smtp, ...secrets } = SECRETS;
  const setup = await openTestSetup({ sandbox: { documents: 30, apiKey } });
  const stop = await setup.work();
  await setup.run('full');
  await stop();
  // Something to be tried again.
  await setup.database.client`
    insert into sync_failure (key, odoo_id, code, message, run_id, next_attempt_at)
    select 'bclinbc', id, 'invented', 'to be tried again', 1, now() from generate_series(1, 60) as id`;
  const tryton = await startSandboxTryton({ password, sales: 5 });
  const inFront = await startInFrontOf(tryton.url);
  // As in the server: /readyz and the check of keys do not wait for slow queries.
  const reserve = openDatabase(setup.database.url, { max: 2 });
  const found = { leaked: [] as string[], faults: [] as string[] };
  let hidden: string[] = Object.values(SECRETS);
  const leaks = (text: string) => hidden.filter((secret) => text.includes(secret));
  const write = (line: string) => {
    if (leaks(line).length > 0) found.leaked.push(line);
    if (/"level":[56]0/.test(line)) found.faults.push(line);
  };
  const api = await startApi(
    {
      ...setup.env,
      ...secrets,
      ...{ TRYTON_RPC_URL: inFront.url, TRYTON_USER: tryton.user, TRYTON_PASSWORD: password },
      ...{ SMTP_URL: `smtp://fuzz:${smtp}@127.0.0.1:1`, ALERT_EMAIL_TO: 'ops@example.com' },
      ...{ ALERT_WEBHOOK_URL: 'http://127.0.0.1:1/', API_RATE_LIMIT: 'off' },
    },
    { db: setup.mirror.db, reserveDb: reserve.db, log: pino({ level: 'trace' }, { write }) },
  );
  const origin = await api.app.listen({ host: '127.0.0.1', port: 0 });
  const keys = await Promise.all([
    createApiKey(setup.mirror.db, { name: 'all', scopes: ['admin'], methods: ['*'] }),
    createApiKey(setup.mirror.db, { name: 'some', scopes: ['bc:read'], methods: [] }),
  ]);
  hidden = [...hidden, ...keys.map(({ key }) => key)];
  const [key = '', lesser = ''] = keys.map((made) => made.key);
  const documented = operationsOf((await api.app.inject('/openapi.json')).json());
  const basic = Buffer.from(`admin:${secrets.ADMIN_PASSWORD}`).toString('base64');
  const admin = { authorization: `Basic ${basic}`, 'x-passerelle-admin': '1' };
  const operations = [...documented, ...behindTheAdmin(api, documented), ...OTHERS];
  const known = await listKnownFields(setup.mirror.db, api.config.mirrors[0]);
  return {
    origin,
    operations,
    key,
    leaks,
    ...found,
    knowledge: {
      doorsOf: (path) => {
        const right = path.startsWith('/api') ? bearer(key) : path.startsWith('/admin') ? admin : {};
        return [...Array(8).fill(right), bearer(key), bearer(lesser), admin, {}];
      },
      words: await wordsOf(origin, documented, key),
      fields: known.header.map(({ name }) => name),
      forge: (sort, position) => {
        const { success, data } = listQuery.safeParse({ sort });
        const list = success ? listOf(() => readListQuery(data, known).list) : null;
        return writeCursor(list, position);
      },
      given: {
        secret: secrets.ODOO_HOOK_SECRET,
        _model: 'dimagaz.bc',
        method: 'model.party.party.search_read',
        params: [[], 0, 5, null, ['name']],
      },
    },
    forget: () => {
      tryton.calls.length = 0;
      setup.odoo.calls.length = 0;
    },
    close: async () => {
      await api.close();
      await reserve.close();
      await inFront.stop();
      await tryton.stop();
      await setup.close();
    },
  };
}

/** The identity of a list, which its cursors contain; null of one that cannot be sorted like this. */
function listOf(read: () => unknown): unknown {
  try {
    return read();
  } catch {
    return null;
  }
}

/** Calls of this method are answered by the proxy: the answer does not end before its reader leaves. */
export const ENDLESS = 'model.ir.attachment.read';

/** A proxy in front of the sandbox Tryton. */
async function startInFrontOf(url: string) {
  const target = new URL(url);
  const part = `"${'x'.repeat(64 * 1024)}",`;
  const server = createServer((incoming, outgoing) => {
    outgoing.on('error', () => {});
    const chunks: Buffer[] = [];
    incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
    incoming.on('end', () => {
      const body = Buffer.concat(chunks);
      if (body.includes(`"${ENDLESS}"`)) {
        outgoing.writeHead(200, { 'content-type': 'application/json' }).write('{"id":1,"result":[');
        const more = () => {
          while (!outgoing.destroyed && outgoing.write(part));
        };
        outgoing.on('drain', more);
        more();
        return;
      }
      const { hostname, port } = target;
      const { method, url: path, headers } = incoming;
      const passed = forward({ hostname, port, method, path, headers }, (answer) => {
        outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(outgoing);
      });
      passed.on('error', () => outgoing.destroy());
      passed.end(body);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const own = new URL(url);
  own.port = String((server.address() as AddressInfo).port);
  return {
    url: own.href,
    stop: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

/** In no document, and requested like any other. The routes of bull-board under /admin/queues are not ours. */
const OTHERS: readonly Operation[] = [
  '/openapi.json',
  '/docs',
  '/docs/json',
  '/admin',
  '/admin/{rest}',
  '/',
  '/{rest}',
].map((path) => ({
  method: 'GET',
  path,
  parameters: path.includes('{rest}')
    ? [{ in: 'path', name: 'rest', required: true, schema: { type: 'string' } }]
    : [],
  body: null,
  answers: new Map(),
}));

/** The dashboard's own routes answer as those that they are copies of. */
function behindTheAdmin({ app }: TestApi, documented: readonly Operation[]): Operation[] {
  return documented
    .map((operation) => ({ ...operation, path: `/admin${operation.path}` }))
    .filter(({ method, path }) => app.hasRoute({ method, url: path.replaceAll(/\{(\w+)\}/g, ':$1') }));
}

/** Words that the API uses itself: names of fields, ids, cursors, states, and the operators of its filters. */
async function wordsOf(origin: string, operations: readonly Operation[], key: string): Promise<string[]> {
  const words = new Set([
    'eq',
    'ne',
    'gt',
    'gte',
    'lt',
    'lte',
    'in',
    'like',
    'null',
    'model.party.party.search_read',
  ]);
  for (const { method, path, parameters } of operations) {
    if (method !== 'GET' || parameters.some(({ required }) => required)) continue;
    const { text } = await send(origin, { method, target: path, headers: bearer(key), body: null });
    for (const word of text.match(/"[^"\\]{1,60}"/g) ?? [])
      if (words.size < 400) words.add(word.slice(1, -1));
  }
  return [...words];
}
