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
  /** Any free port when left out. */
  readonly port?: number;
  readonly host?: string;
  readonly database?: string;
  readonly user?: string;
  readonly password?: string;
  /** How many sales of a gas distributor to generate, with customers, products and invoices; none when left out. */
  readonly sales?: number;
  readonly seed?: number;
  readonly clock?: () => Date;
  /** Added to every answer. */
  readonly latencyMs?: number;
  /** After n refused logins of a name, its next one waits (2^n - 1) times this; 0 when left out, 1000 on a real 5.0. */
  readonly loginDelayMs?: number;
  /** Keep connections open, as a proxy before Tryton does; its own server closes each one. */
  readonly keepAlive?: boolean;
  /** Compress answers for those who accept it, as a proxy does. */
  readonly gzip?: boolean;
}

export interface SandboxTryton {
  /** The database's own URL. */
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
  /** Logins that were answered with a session. */
  readonly logins: number;
  /** Sessions that are good now. */
  readonly sessions: number;
  /** Refused logins of this name that still count against it. */
  attempts(login: string): number;
  /** All of them, as `delete from ir_session`. */
  forgetSessions(): void;
  setPassword(login: string, password: string): void;
  create(model: string, values: Dictionary): number;
  write(model: string, ids: readonly number[], values: Dictionary): void;
  delete(model: string, ids: readonly number[]): void;
  /** Ids of all records that fit, also those that are not active. */
  search(model: string, domain: Value): number[];
  read(model: string, ids: readonly number[], names: readonly string[]): Dictionary[];
  count(model: string): number;
  /** Stops listening and breaks every connection; data and sessions stay. */
  stop(): Promise<void>;
  /** Listens again, on the same port. */
  start(): Promise<void>;
}

const MOST_CALLS = 100_000;
const USER_ID = 1;
const WRITER = { userId: USER_ID, context: {} };

/**
 * Starts a Tryton server that lives in memory and answers over HTTP what trytond 7.0.30, 6.0.29 and 5.0.33 answer
 * with the modules party, sale and account_invoice, in English. User, password: admin, admin.
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
  // The server looks at the sandbox itself, so that a test may change its settings while it runs.
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
