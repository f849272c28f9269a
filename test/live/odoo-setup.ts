import { spawn } from 'node:child_process';
import postgres from 'postgres';
import { type Verification, verifyMirror } from '../../src/sync/maintenance/verify.ts';
import { freshDatabase } from '../support/database.ts';
import { freshPrefix, redisUrl } from '../support/redis.ts';
import type { Release, TestMirror } from '../support/test-setup.ts';
import { openTestMirror, QUICK } from '../support/test-setup.ts';

/** Optional variables of live tests, beside a server to read. A test without its variables is skipped. */
type Means =
  /** A shell command that runs the Python on its standard input with Odoo's `env`. */
  | 'ODOO_SHELL_COMMAND'
  /** Odoo's own PostgreSQL, for what happens behind its back. */
  | 'ODOO_SQL_URL'
  | 'ODOO_STOP_COMMAND'
  /** Returns when the server answers. */
  | 'ODOO_START_COMMAND'
  /** Brings the add-on's second version into the running server's database; it is restarted afterwards. */
  | 'ODOO_UPGRADE_COMMAND'
  /** Brings back the first one. */
  | 'ODOO_DOWNGRADE_COMMAND'
  /** Takes `HOOK_URL = '...'` on its standard input and has Odoo post there what changes; `None` ends it. */
  | 'ODOO_WEBHOOK_COMMAND';

const COORDINATES = ['ODOO_URL', 'ODOO_DB', 'ODOO_USER', 'ODOO_PASSWORD'] as const;

/** The variables that are missing for a test; null where none is. */
export function missing(...means: readonly Means[]): string | null {
  const names = [...COORDINATES, ...means].filter((name) => !process.env[name]);
  return names.length === 0 ? null : names.join(', ');
}

function given(name: Means | (typeof COORDINATES)[number]): string {
  const value = process.env[name];
  if (value === undefined) throw new Error(`${name} is not set`);
  return value;
}

/** Everything of the environment that is Odoo's, by this protocol. JSON-2 takes the API key. */
export function odooEnvironment(protocol: string): Record<string, string> {
  const { ODOO_API_KEY: key, ...env } = Object.fromEntries(
    Object.entries(process.env).filter(([name]) => name.startsWith('ODOO_')),
  );
  const secret = protocol === 'json2' ? { ODOO_PASSWORD: key ?? '' } : {};
  return { ...clean(env), ...secret, ODOO_PROTOCOL: protocol };
}

/** The protocols of the server: JSON-2 if there is a key for it. */
export const PROTOCOLS = ['jsonrpc', 'xmlrpc', ...(process.env['ODOO_API_KEY'] ? ['json2'] : [])] as const;

/** A mirror of the real server, and means to disturb it. */
export interface LiveSetup {
  readonly database: Awaited<ReturnType<typeof freshDatabase>>;
  /** A mirror with its own queues, and what its processes need to know. */
  open(
    env?: Record<string, string>,
    protocol?: string,
  ): TestMirror & { readonly env: Record<string, string> };
  verify(testMirror: TestMirror): Promise<Verification>;
  /** Odoo's own PostgreSQL. */
  readonly sql: postgres.Sql;
  close(): Promise<void>;
}

/** A run of some thousand BCs on a busy machine. */
const PATIENCE_MS = 300_000;

export async function openLiveSetup(): Promise<LiveSetup> {
  const database = await freshDatabase();
  const releases: Release[] = [];
  const sql = postgres(process.env['ODOO_SQL_URL'] ?? '', { max: 3, onnotice: () => {} });
  return {
    database,
    sql,
    open: (extra = {}, protocol = 'jsonrpc') => {
      const own = { DATABASE_URL: database.url, REDIS_URL: redisUrl(), QUEUE_PREFIX: freshPrefix() };
      const env = { ...QUICK, ...odooEnvironment(protocol), ...own, ...extra };
      return { ...openTestMirror(env, releases, PATIENCE_MS), env };
    },
    verify: (testMirror) => verifyMirror({ ...testMirror.mirror, pageSize: 500 }, () => {}),
    close: async () => {
      for (const release of releases.reverse()) await release();
      await sql.end();
      await database.close();
    },
  };
}

let administrator: Promise<unknown> | undefined;

/** The rights of the administrator: any method of any model, by JSON-RPC. */
export async function call(
  model: string,
  method: string,
  args: readonly unknown[],
  keywords: object = {},
): Promise<unknown> {
  const rpc = async (service: string, name: string, values: readonly unknown[]) => {
    const params = { service, method: name, args: values };
    const response = await fetch(`${given('ODOO_URL')}/jsonrpc`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ jsonrpc: '2.0', method: 'call', params, id: 1 }),
    });
    const { result, error } = Object(await response.json());
    if (error !== undefined) throw new Error(`${model}.${method}: ${error.data?.message ?? error.message}`);
    return result;
  };
  const [db, user, password] = [given('ODOO_DB'), given('ODOO_USER'), given('ODOO_PASSWORD')];
  administrator ??= rpc('common', 'login', [db, user, password]);
  return rpc('object', 'execute_kw', [db, await administrator, password, model, method, args, keywords]);
}

/** Runs a shell command of the environment. Returns its standard output; throws its error output. */
export function run(means: Means, input = ''): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn('sh', ['-c', given(means)]);
    const output = { out: '', complaint: '' };
    child.stdout.on('data', (chunk: Buffer) => {
      output.out += chunk.toString();
    });
    child.stderr.on('data', (chunk: Buffer) => {
      output.complaint += chunk.toString();
    });
    child.once('error', reject);
    child.once('close', (code) =>
      code === 0 ? resolve(output.out) : reject(new Error(`${means}: ${output.complaint.slice(-2000)}`)),
    );
    child.stdin.end(input);
  });
}

function clean(env: Record<string, string | undefined>): Record<string, string> {
  return Object.fromEntries(Object.entries(env).map(([name, value]) => [name, value ?? '']));
}
