import { once } from 'node:events';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fill } from './data.ts';
import { Faults, type SandboxCall } from './faults.ts';
import type { Row, TrytonVersion } from './models/fields.ts';
import type { Backend } from './protocol.ts';
import { read, search } from './reading.ts';
import { createSandboxServer } from './server.ts';
import { Sessions } from './sessions.ts';
import { Store } from './store.ts';
import type { Dictionary, Value } from './values.ts';
import { create, remove, write } from './writing.ts';

export interface SandboxTrytonOptions {
  readonly version?: TrytonVersion;
  /** Any free port if unset. */
  readonly port?: number;
  readonly host?: string;
  readonly database?: string;
  readonly user?: string;
  readonly password?: string;
  /** How many sales to generate, with customers, products and invoices; none if unset. */
  readonly sales?: number;
  readonly seed?: number;
  readonly clock?: () => Date;
  /** Delay of every answer. */
  readonly latencyMs?: number;
  /** After n refused logins of a name, its next one waits (2^n - 1) times this; 0 if unset, 1000 on a real 5.0. */
  readonly loginDelayMs?: number;
  /** Keep connections open, like a proxy; the server itself closes each one. */
  readonly keepAlive?: boolean;
  /** Compress answers for clients that accept it, like a proxy. */
  readonly gzip?: boolean;
}

export interface SandboxTryton {
  /** The URL of the database. */
  readonly url: string;
  readonly version: TrytonVersion;
  readonly database: string;
  readonly user: string;
  readonly password: string;
  latencyMs: number;
  loginDelayMs: number;
  keepAlive: boolean;
  gzip: boolean;
  readonly faults: Faults;
  /** Every call in the order of its arrival; emptied by `calls.length = 0`. The newest 100,000. */
  readonly calls: SandboxCall[];
  /** Logins that got a session. */
  readonly logins: number;
  /** Valid sessions. */
  readonly sessions: number;
  /** Refused logins of this name that still count. */
  attempts(login: string): number;
  /** Deletes all sessions, like `delete from ir_session`. */
  forgetSessions(): void;
  setPassword(login: string, password: string): void;
  create(model: string, values: Dictionary): number;
  write(model: string, ids: readonly number[], values: Dictionary): void;
  delete(model: string, ids: readonly number[]): void;
  /** Ids of all matching records, including inactive ones. */
  search(model: string, domain: Value): number[];
  read(model: string, ids: readonly number[], names: readonly string[]): Dictionary[];
  count(model: string): number;
  /** Stops listening and closes every connection; data and sessions are kept. */
  stop(): Promise<void>;
  /** Listens again on the same port. */
  start(): Promise<void>;
}

const MOST_CALLS = 100_000;
const USER_ID = 1;
const WRITER = { userId: USER_ID, context: {} };

/**
 * Starts a Tryton server in memory that answers over HTTP like trytond 7.0.30, 6.0.29 and 5.0.33 with the modules
 * party, sale and account_invoice, in English. User and password: admin, admin.
 */
export async function startSandboxTryton(options: SandboxTrytonOptions = {}): Promise<SandboxTryton> {
  const { version = '7.0', database = 'tryton', user = 'admin', password = 'admin' } = options;
  const clock = options.clock ?? (() => new Date());
  const store = new Store(version, clock);
  const sessions = new Sessions(store, clock);
  fill(store, { login: user, sales: options.sales ?? 0, seed: options.seed ?? 1, today: clock() });
  sessions.setPassword(USER_ID, password);
  const calls: SandboxCall[] = [];
  const note = (call: SandboxCall) => {
    if (calls.push(call) > MOST_CALLS) calls.shift();
  };
  const faults = new Faults();
  const backend: Backend = { store, sessions, database };
  // The server reads the sandbox itself, so that a test may change its settings.
  const parts = { backend, faults, settings: () => sandbox, now: clock, note };
  const listener = await startListener(() => createSandboxServer(parts), options);
  const sandbox: SandboxTryton = {
    url: `http://${options.host ?? '127.0.0.1'}:${listener.port}/${database}/`,
    version,
    database,
    user,
    password,
    latencyMs: options.latencyMs ?? 0,
    loginDelayMs: options.loginDelayMs ?? 0,
    keepAlive: options.keepAlive ?? false,
    gzip: options.gzip ?? false,
    faults,
    calls,
    get logins() {
      return sessions.logins;
    },
    get sessions() {
      return sessions.open;
    },
    ...listener.switches,
    ...verbs(store),
    ...access(store, sessions),
  };
  return sandbox;
}

/** A server that can be stopped and started again on its port. */
async function startListener(open: () => Server, { port = 0, host = '127.0.0.1' }: SandboxTrytonOptions) {
  let server = open();
  const listen = async (at: number) => {
    server.listen(at, host);
    await once(server, 'listening');
    return server.address() as AddressInfo;
  };
  const address = await listen(port);
  const switches = {
    async stop() {
      if (!server.listening) return;
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
    async start() {
      if (server.listening) return;
      server = open();
      await listen(address.port);
    },
  };
  return { port: address.port, switches };
}

function verbs(store: Store) {
  return {
    create: (model: string, values: Dictionary) =>
      store.transaction(() => create(store, model, values, WRITER)),
    write: (model: string, ids: readonly number[], values: Dictionary) =>
      store.transaction(() => write(store, model, ids, values, WRITER)),
    delete: (model: string, ids: readonly number[]) => store.transaction(() => remove(store, model, ids, {})),
    search: (model: string, domain: Value) => search(store, model, domain, {}, { active_test: false }),
    read: (model: string, ids: readonly number[], names: readonly string[]) =>
      read(store, model, ids, names, {}),
    count: (model: string) => store.table(model).rows.size,
  };
}

function access(store: Store, sessions: Sessions) {
  const userOf = (login: string): Row => {
    const user = [...store.table('res.user').rows.values()].find((row) => row['login'] === login);
    if (user === undefined) throw new Error(`The sandbox has no user ${login}`);
    return user;
  };
  return {
    attempts: (login: string) => sessions.attempts(login),
    forgetSessions: () => sessions.forget(),
    setPassword: (login: string, password: string) => sessions.setPassword(userOf(login).id, password),
  };
}
