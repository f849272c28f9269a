import type { AddressInfo } from 'node:net';
import { generate } from './data.ts';
import { Faults, type SandboxCall } from './faults.ts';
import type { OdooVersion, Stored } from './orm/fields.ts';
import { SHIPPED_MODELS } from './orm/models.ts';
import { type Answer, answers } from './orm/reading.ts';
import { type SandboxSchema, schemaOf } from './orm/schema.ts';
import { Store, stamp, stampOfNow, type Values } from './orm/store.ts';
import { beginTransaction, type SandboxTransaction } from './orm/transaction.ts';
import { Writer } from './orm/writer.ts';
import type { Backend } from './protocols/dispatch.ts';
import { createSandboxServer } from './protocols/server.ts';
import { Webhooks } from './webhooks.ts';

export interface SandboxOptions {
  /** Any free port if unset. */
  readonly port?: number;
  readonly host?: string;
  readonly version?: OdooVersion;
  /** How many BCs to generate; none if unset. */
  readonly documents?: number;
  /** How many lines a generated BC has on average; 5 if unset. */
  readonly lines?: number;
  /** The same seed, clock and number give the same data. */
  readonly seed?: number;
  /** The clock of stamps and of the HTTP `Date` header; that of the machine if unset. */
  readonly clock?: () => Date;
  /** The clock of the HTTP `Date` header, if it differs from the one that stamps the records. */
  readonly headerClock?: () => Date;
  readonly db?: string;
  readonly user?: string;
  readonly password?: string;
  readonly apiKey?: string;
  /** `database.uuid`; a sandbox that is started again is the same database. */
  readonly uuid?: string;
}

/** A stored row: stamps with microseconds, `null` for an empty value. */
interface SandboxRecord {
  readonly id: number;
  readonly [field: string]: Stored;
}

/** Each function is one transaction, with one `write_date` for all its changes. */
export interface SandboxOdoo extends SandboxSchema {
  readonly url: string;
  readonly db: string;
  readonly user: string;
  /** Works on the two RPCs, not on JSON-2, as in Odoo 19. */
  readonly password: string;
  /** Works everywhere. */
  readonly apiKey: string;
  /** Another account, which no right or rule restricts: `faults` hides nothing from it. */
  readonly admin: { readonly user: string; readonly apiKey: string };
  readonly version: OdooVersion;
  create(model: string, values: Values): number;
  write(model: string, ids: readonly number[], values: Values): void;
  unlink(model: string, ids: readonly number[]): void;
  /** Deletes like SQL: the records and what belongs to them are gone, nothing else is changed or stamped. */
  erase(model: string, ids: readonly number[]): void;
  /** A transaction that started `at` (now if unset) and is not committed yet. */
  begin(at?: Date): SandboxTransaction;
  /** All records, including archived ones, in ascending order. */
  ids(model: string): number[];
  /** @throws Error if it does not exist. */
  record(model: string, id: number): SandboxRecord;
  count(model: string): number;
  /**
   * The answer of `read` as JSON now, including contents of binaries, whatever faults are set. Unknown ids are left
   * out.
   */
  read(model: string, ids: readonly number[]): Answer[];
  readonly faults: Faults;
  /** None until one is added. */
  readonly webhooks: Webhooks;
  /** Every call since the start or since it was emptied (`calls.length = 0`); the newest 100,000. */
  readonly calls: SandboxCall[];
  stop(): Promise<void>;
}

const USER_ID = 2;
const ADMIN = { user: 'admin', apiKey: 'abcdef0123456789abcdef0123456789abcdef01', uid: 1 };
const DATABASE_UUID = '1f0c6f7e-5d2b-11f0-9c1a-0242ac120002';
const MOST_CALLS = 100_000;

/**
 * Starts an Odoo server in memory with XML-RPC, JSON-RPC and, as 19.0, JSON-2. It answers like the demo add-on on a
 * real server. Read-only over HTTP: only these functions change its data.
 */
export async function startSandboxOdoo(options: SandboxOptions = {}): Promise<SandboxOdoo> {
  const store = new Store(options.version ?? '19.0');
  for (const definition of SHIPPED_MODELS) store.define(definition);
  const faults = new Faults();
  const login = {
    db: options.db ?? 'sandbox',
    user: options.user ?? 'passerelle',
    password: options.password ?? 'passerelle',
    apiKey: options.apiKey ?? '0123456789abcdef0123456789abcdef01234567',
  };
  const backend: Backend = { store, access: faults.access, uid: USER_ID, admin: ADMIN, ...login };
  const now = options.clock ?? (() => new Date());
  const { documents = 0, lines = 5, seed = 1, uuid = DATABASE_UUID } = options;
  generate(store, { documents, lines, seed, now: now(), uuid, ...login });
  const calls: SandboxCall[] = [];
  const webhooks = new Webhooks();
  const note = (call: SandboxCall) => {
    if (calls.push(call) > MOST_CALLS) calls.shift();
  };
  const server = createSandboxServer({ backend, faults, now, headerNow: options.headerClock ?? now, note });
  const host = options.host ?? '127.0.0.1';
  const port = await listen(server, options.port ?? 0, host);
  return {
    url: `http://${host}:${port}`,
    ...login,
    admin: ADMIN,
    version: store.version,
    faults,
    webhooks,
    calls,
    ...verbs(store, options.clock, webhooks),
    ...schemaOf(store),
    stop: () => close(server),
  };
}

type Server = ReturnType<typeof createSandboxServer>;

function listen(server: Server, port: number, host: string): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      const address = server.address() as AddressInfo;
      resolve(address.port);
    });
  });
}

/** Ends hanging calls too. */
function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}

function verbs(store: Store, clock: (() => Date) | undefined, webhooks: Webhooks) {
  const begin = (at?: Date) => beginTransaction(store, at ? stamp(at) : stampOfNow(clock), USER_ID, webhooks);
  const once = <T>(work: (transaction: SandboxTransaction) => T): T => {
    const transaction = begin();
    const result = work(transaction);
    transaction.commit();
    return result;
  };
  return {
    begin,
    create: (model: string, values: Values) => once((transaction) => transaction.create(model, values)),
    write: (model: string, ids: readonly number[], values: Values) =>
      once((transaction) => transaction.write(model, ids, values)),
    unlink: (model: string, ids: readonly number[]) => once((transaction) => transaction.unlink(model, ids)),
    erase: (model: string, ids: readonly number[]) =>
      new Writer(store, stampOfNow(clock), USER_ID).erase(model, ids),
    ids: (model: string) => [...store.table(model).rows.keys()].sort((left, right) => left - right),
    count: (model: string) => store.table(model).rows.size,
    record(model: string, id: number): SandboxRecord {
      const row = store.table(model).rows.get(id);
      if (!row) throw new Error(`The sandbox has no ${model} ${id}`);
      return { ...row };
    },
    read: (model: string, ids: readonly number[]) => answers(store, model, ids),
  };
}
