import { Semaphore } from '../shared/semaphore.ts';
import { withTimeout } from '../shared/timeout.ts';
import { type Cache, createCache } from './cache/cache.ts';
import { TrytonRequestError, TrytonTimeoutError } from './errors.ts';
import { isRead, isReserved, methodName, withContext } from './methods.ts';
import { type Settings, settingsOf, type TrytonClientOptions } from './options.ts';
import { ping } from './ping.ts';
import {
  type Domain,
  inOrderOf,
  type PageOptions,
  pagesById,
  type ReadOptions,
  type RecordCall,
  type RecordOptions,
  type Row,
  readCall,
  recordCall,
  type SearchOptions,
  searchReadCall,
} from './records.ts';
import { createPerform, type Perform } from './rpc/call.ts';
import { type Address, addressOf, createRpcSender } from './rpc/request.ts';
import { createTransport, type Transport } from './rpc/transport.ts';
import { type LoginParts, signIn, signOut } from './session/login.ts';
import { createMemorySessionStore } from './session/memory-store.ts';
import { createSessions, type Sessions } from './session/session-manager.ts';
import { createFixtureSender } from './testing.ts';
import type {
  Answer,
  CacheCounters,
  CacheOptions,
  CallOptions,
  OpenCircuit,
  PingReport,
  ReadyCall,
  Wire,
} from './types.ts';
import { decode, encode } from './wire/codec.ts';
import { isList, isObject, type Result } from './wire/json.ts';

/** A host that does not open a connection is not worth a whole timeout. */
const MAX_CONNECT_MS = 5000;

/** The parts of a client. */
interface Parts {
  readonly settings: Settings;
  readonly server: string;
  readonly context: { readonly [name: string]: Wire };
  readonly login: LoginParts;
  readonly sessions: Sessions;
  readonly cache: Cache;
  readonly perform: Perform;
  /** Null with fixtures: nothing is sent. */
  readonly transport: Transport | null;
  /** The bytes that answers may take. */
  readonly room: Semaphore;
}

/** Creates the parts without opening a connection. Throws TrytonRequestError for invalid options. */
function assemble(options: TrytonClientOptions): Parts {
  const settings = settingsOf(options);
  const address = addressOf(settings.url);
  // Tryton splits the session header at its colons.
  if (settings.user === '' || settings.user.includes(':'))
    throw new TrytonRequestError('The user of a Tryton client has to be a login, without a colon.');
  const { server } = address;
  const room = new Semaphore(settings.maxHeldBytes);
  const { maxEntryBytes, deadlineMs, clock, logger: log, user } = settings;
  const transport = settings.testing === undefined ? transportTo(address, settings, room) : null;
  const login = { server, send: senderFor(address, settings, transport), settings };
  const sessions = createSessions(sessionParts(login));
  return {
    settings,
    server,
    context: contextOf(settings),
    login,
    sessions,
    cache: createCache({
      store: settings.cache ?? null,
      server,
      user,
      maxEntryBytes,
      deadlineMs,
      clock,
      log,
    }),
    perform: createPerform({ ...login, sessions }),
    transport,
    room,
  };
}

function transportTo({ origin }: Address, settings: Settings, room: Semaphore): Transport {
  const { connections, maxAnswerBytes, timeoutMs } = settings;
  const connectTimeoutMs = Math.min(timeoutMs, MAX_CONNECT_MS);
  return createTransport(origin, { connections, maxAnswerBytes, connectTimeoutMs, room });
}

function senderFor(
  address: Address,
  { testing, password, logger: log }: Settings,
  transport: Transport | null,
) {
  if (transport === null) return createFixtureSender(testing ?? {});
  return createRpcSender({ address, transport, password, log });
}

function sessionParts(login: LoginParts): Parameters<typeof createSessions>[0] {
  const { server, settings } = login;
  const { testing, session, user, clock } = settings;
  return {
    // The session of a test is not shared.
    store: (testing === undefined ? settings.sessions : undefined) ?? createMemorySessionStore(),
    signIn: () => signIn(login),
    signOut: (over) => signOut(login, over),
    site: { server, method: 'common.db.login' },
    ttlMs: settings.sessionTtlMs,
    graceMs: settings.deadlineMs,
    cooldownMs: settings.loginCooldownMs,
    clock,
    log: settings.logger,
    ...(session === undefined ? {} : { initial: { login: user, ...session, createdAt: clock() } }),
  };
}

function contextOf({ context }: Settings): { readonly [name: string]: Wire } {
  const wire = encode(context, 'context');
  if (isObject(wire)) return wire;
  throw new TrytonRequestError('The context of a Tryton client has to be an object.');
}

type Params = readonly unknown[];
type AnyFields = Record<string, unknown>;

/**
 * One Tryton database, as one user, over JSON-RPC (tested with trytond 5.0, 6.0 and 7.0). Signs in by itself when a
 * call needs it. It does not read the environment, and shows neither password nor session when it is printed.
 *
 * Every call may throw TrytonError (see its classes), TrytonRequestError if the call cannot be sent, and the reason of
 * its own signal.
 */
export class TrytonClient {
  /** The database's URL, without credentials. */
  readonly server: string;
  readonly user: string;
  readonly #parts: Parts;

  /** Opens no connection. Throws TrytonRequestError for invalid options. */
  constructor(options: TrytonClientOptions) {
    this.#parts = assemble(options);
    this.server = this.#parts.server;
    this.user = options.user;
  }

  /**
   * `call('model', 'party.party.search', [[]])`, or `call('model.party.party.search', [[]])`. A context is added if
   * Tryton needs one and none is given. The result contains Decimal, DateTime and so on; parameters may too. Its type
   * `T` is what the caller expects: it is not checked.
   */
  call<T = unknown>(method: string, params?: Params, options?: CallOptions): Promise<T>;
  call<T = unknown>(service: string, method: string, params?: Params, options?: CallOptions): Promise<T>;
  async call<T>(
    first: string,
    second?: string | Params,
    third?: Params | CallOptions,
    fourth?: CallOptions,
  ): Promise<T> {
    const twoNames = typeof second === 'string';
    const method = twoNames ? methodName(first, second) : methodName(first);
    const [params, options] = twoNames ? [third, fourth] : [second, third];
    return decode(await this.callWire(method, wireOf(params), isParams(options) ? {} : options)) as T;
  }

  /** The records of a search, in its order: `searchRead<{ name: string }>('party.party', [], { fields: ['name'] })`. */
  searchRead<T extends object = AnyFields>(
    model: string,
    domain: Domain = [],
    options: SearchOptions = {},
  ): Promise<Row<T>[]> {
    return this.#records(searchReadCall(model, domain, options), options);
  }

  /**
   * All records of a search, page by page in the order of their ids: `for await (const page of client.pages(...))`. Each
   * record comes once, whatever is created or deleted meanwhile. A record that is created meanwhile comes last.
   */
  pages<T extends object = AnyFields>(
    model: string,
    domain: Domain = [],
    options: PageOptions = {},
  ): AsyncGenerator<Row<T>[], void, undefined> {
    return pagesById(domain, options, (rest, search) => this.searchRead<T>(model, rest, search));
  }

  /** The records with these ids, in the order of the ids. Tryton refuses an id that does not exist. */
  async read<T extends object = AnyFields>(
    model: string,
    ids: readonly number[],
    options: ReadOptions = {},
  ): Promise<Row<T>[]> {
    return inOrderOf(ids, await this.#records<Row<T>[]>(readCall(model, ids, options), options));
  }

  /** Creates records in one transaction, and returns their ids. Like all writes, it is never sent twice. */
  create(model: string, records: readonly object[], options: RecordOptions = {}): Promise<number[]> {
    return this.#records(recordCall(model, 'create', [records], options), options);
  }

  /** Sets these values in all records with these ids. */
  async write(
    model: string,
    ids: readonly number[],
    values: object,
    options: RecordOptions = {},
  ): Promise<void> {
    await this.#records(recordCall(model, 'write', [ids, values], options), options);
  }

  /** Deletes records. Ids that do not exist are ignored. */
  async delete(model: string, ids: readonly number[], options: RecordOptions = {}): Promise<void> {
    await this.#records(recordCall(model, 'delete', [ids], options), options);
  }

  /** The same, with parameters and result in the form of the wire. */
  async callWire(method: string, params: readonly Wire[], options: CallOptions = {}): Promise<Wire> {
    const ready = this.ready(method, params, options);
    return (await this.#send(ready.method, ready.params, options)).result;
  }

  /**
   * The same from the cache, for reads. Concurrent callers with the same call share one request, which continues if one
   * of them leaves.
   */
  async cachedCall<T = unknown>(
    method: string,
    params: Params,
    options: CacheOptions & CallOptions = {},
  ): Promise<T> {
    return decode(await this.cachedCallWire(method, wireOf(params), options)) as T;
  }

  async cachedCallWire(
    method: string,
    params: readonly Wire[],
    { signal, fixedContext, ...options }: CacheOptions & CallOptions = {},
  ): Promise<Wire> {
    signal?.throwIfAborted();
    const ready = this.ready(method, params, { fixedContext });
    return this.#cached(ready, { ...options, signal: () => signal }, async (result) => {
      await result.kept;
      return result.wire();
    });
  }

  /** What `cachedCallJson` takes: a valid method name, and its parameters with a context. */
  ready(
    method: string,
    params: readonly Wire[],
    { fixedContext }: Pick<CallOptions, 'fixedContext'> = {},
  ): ReadyCall {
    const name = methodName(method);
    if (isReserved(name))
      throw new TrytonRequestError(`${name} is not called: the client signs in and out by itself.`);
    return { method: name, params: withContext(name, params, this.#parts.context, fixedContext) };
  }

  /**
   * The same as strict JSON: a cached answer is returned unparsed, and a fetched one is returned before it is stored.
   * The signal is requested only if a fetch is needed.
   */
  async cachedCallJson(
    ready: ReadyCall,
    options: CacheOptions,
    signal: () => AbortSignal | undefined,
  ): Promise<string> {
    return this.#cached(ready, { ...options, signal }, async (result) => result.json());
  }

  /** The cache key of an answer. It is equal for the same call by the same user of the same database. */
  cacheKey(method: string, params: Params = []): string {
    const ready = this.ready(method, wireOf(params));
    return this.#parts.cache.key(ready.method, ready.params);
  }

  /** The counts by method, since this client was created. */
  cacheCounters(): Readonly<Record<string, CacheCounters>> {
    return this.#parts.cache.counters();
  }

  /**
   * Counts an answer that the caller holds in memory against `maxHeldBytes`, beside those that are being read.
   *
   * @returns the function to call when it is not held any more; null if there is no room for it.
   */
  holdAnswer(bytes: number): (() => void) | null {
    return this.#parts.room.overdraw(bytes);
  }

  /** Invalidates all cached answers about a model, for all users of the cache: `party.party`; `*` for everything. */
  async invalidate(model: string): Promise<void> {
    await this.#parts.cache.invalidate(model);
  }

  /** Whether the server answers and the session is valid. Throws only the reason of the signal. */
  ping(options: CallOptions = {}): Promise<PingReport> {
    const { perform, sessions, settings, context } = this.#parts;
    const { clock, timeoutMs } = settings;
    return ping({ perform, sessions, clock, timeoutMs, context }, options);
  }

  /** Why logins are paused, by this process or any that shares its sessions; null if they are not. */
  circuit(): Promise<OpenCircuit | null> {
    return this.#parts.sessions.circuit();
  }

  /** Signs in if there is no session. Calls do this themselves. */
  async login(): Promise<{ readonly userId: number }> {
    const { userId } = await this.#parts.sessions.current();
    return { userId };
  }

  /** Ends the session in this process, in the store and on the server. The next call signs in again. */
  async logout(): Promise<void> {
    const session = await this.#parts.sessions.forget();
    if (session !== null) await signOut(this.#parts.login, session);
  }

  /**
   * Waits for calls in progress and in the queue, then closes the connections. The owners of the stores close the
   * connections of the stores.
   */
  async close(): Promise<void> {
    this.#parts.cache.close();
    await this.#parts.transport?.close();
  }

  #records<T>({ method, params }: RecordCall, { signal }: RecordOptions): Promise<T> {
    return this.call<T>(method, params, { signal });
  }

  async #cached<R>(
    { method, params }: ReadyCall,
    { signal: signalOf, ...options }: CacheOptions & { signal: () => AbortSignal | undefined },
    as: (result: Result) => Promise<R>,
  ): Promise<R> {
    const { cache, settings } = this.#parts;
    if (!isRead(method)) {
      const send = () => this.#send(method, params, { signal: signalOf() });
      return as(await cache.read(method, params, options, send));
    }
    const { deadlineMs } = settings;
    const late = () => new TrytonTimeoutError({ server: this.server, method }, deadlineMs);
    const wait = <T>(begin: () => Promise<T>) => {
      const signal = signalOf();
      signal?.throwIfAborted();
      return withTimeout(begin(), deadlineMs, late, signal);
    };
    const found = cache.read(method, params, options, () => this.#send(method, params, {}), wait);
    return withTimeout(found.then(as), deadlineMs, late, undefined);
  }

  async #send(method: string, params: readonly Wire[], options: CallOptions): Promise<Answer> {
    const { cache, perform } = this.#parts;
    const written = await cache.writing(method, params);
    try {
      const answer = await perform(method, params, options);
      await written();
      return answer;
    } catch (error) {
      await written(error);
      throw error;
    }
  }
}

function isParams(value: Params | CallOptions | undefined): value is Params {
  return Array.isArray(value);
}

/** Throws TrytonRequestError that names the place of a value that Tryton could not understand. */
function wireOf(params: unknown = []): readonly Wire[] {
  const wire = encode(params);
  if (isList(wire)) return wire;
  throw new TrytonRequestError('The parameters of a Tryton call have to be a list.');
}
