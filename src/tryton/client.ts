import type { Parts } from './assemble.ts';
import { assemble } from './assemble.ts';
import { waitFor } from './attempts.ts';
import { decode, encode } from './codec.ts';
import { withContext } from './context.ts';
import { TrytonRequestError, TrytonTimeoutError } from './errors.ts';
import { signOut } from './login.ts';
import { isRead, isReserved, methodName } from './methods.ts';
import type { TrytonClientOptions } from './options.ts';
import { ping } from './ping.ts';
import type { Result } from './result.ts';
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
import { isList } from './wire.ts';

type Params = readonly unknown[];

/**
 * One Tryton database, as one user, over JSON-RPC (tried on trytond 5.0, 6.0 and 7.0). Signs in by itself when a
 * call needs it. Reads the environment nowhere; shows neither password nor session when it is printed.
 *
 * Every call may throw TrytonError (see its classes), TrytonRequestError for what cannot be sent, and the reason of its
 * own signal.
 */
export class TrytonClient {
  /** The database's URL, without credentials. */
  readonly server: string;
  readonly user: string;
  readonly #parts: Parts;

  /** Opens no connection. Throws TrytonRequestError for options that cannot work. */
  constructor(options: TrytonClientOptions) {
    this.#parts = assemble(options);
    this.server = this.#parts.server;
    this.user = options.user;
  }

  /**
   * `call('model', 'party.party.search', [[]])`, or `call('model.party.party.search', [[]])`. A context is added where
   * Tryton wants one and none is given. The result holds Decimal, DateTime and so on; parameters may too.
   */
  call(method: string, params?: Params, options?: CallOptions): Promise<unknown>;
  call(service: string, method: string, params?: Params, options?: CallOptions): Promise<unknown>;
  async call(first: string, second?: string | Params, third?: Params | CallOptions, fourth?: CallOptions) {
    const twoNames = typeof second === 'string';
    const method = twoNames ? methodName(first, second) : methodName(first);
    const [params, options] = twoNames ? [third, fourth] : [second, third];
    return decode(await this.callWire(method, wireOf(params), isParams(options) ? {} : options));
  }

  /** The same with parameters and result as they travel. */
  async callWire(method: string, params: readonly Wire[], options: CallOptions = {}): Promise<Wire> {
    const ready = this.ready(method, params);
    return (await this.#send(ready.method, ready.params, options)).result;
  }

  /**
   * The same from the cache, for reads. Callers that ask for the same at the same time share one request, which ends
   * with none of their signals.
   */
  async cachedCall(
    method: string,
    params: Params,
    options: CacheOptions & CallOptions = {},
  ): Promise<unknown> {
    return decode(await this.cachedCallWire(method, wireOf(params), options));
  }

  async cachedCallWire(
    method: string,
    params: readonly Wire[],
    { signal, ...options }: CacheOptions & CallOptions = {},
  ): Promise<Wire> {
    signal?.throwIfAborted();
    const ready = this.ready(method, params);
    return this.#cached(ready, { ...options, signal: () => signal }, async (result) => {
      await result.kept;
      return result.wire();
    });
  }

  /** What `cachedCallJson` takes: a method whose name is one, and its parameters with a context. */
  ready(method: string, params: readonly Wire[]): ReadyCall {
    const name = methodName(method);
    if (isReserved(name))
      throw new TrytonRequestError(`${name} is not called: the client signs in and out by itself.`);
    return { method: name, params: withContext(name, params, this.#parts.context) };
  }

  /**
   * The same as strict JSON: what is kept is passed on unread, and what was fetched before it is kept. The signal is
   * asked for only once something has to be fetched.
   */
  async cachedCallJson(
    ready: ReadyCall,
    options: CacheOptions,
    signal: () => AbortSignal | undefined,
  ): Promise<string> {
    return this.#cached(ready, { ...options, signal }, async (result) => result.json());
  }

  /** What the cache knows an answer by: equal for the same call by the same user of the same database. */
  cacheKey(method: string, params: Params = []): string {
    const ready = this.ready(method, wireOf(params));
    return this.#parts.cache.key(ready.method, ready.params);
  }

  /** By method, since the start of this client. */
  cacheCounters(): Readonly<Record<string, CacheCounters>> {
    return this.#parts.cache.counters();
  }

  /** Makes all cached answers about a model stale, for all users of the cache: `party.party`; `*` for everything. */
  async invalidate(model: string): Promise<void> {
    await this.#parts.cache.invalidate(model);
  }

  /** Whether the server answers and the session holds. Throws nothing but the signal's reason. */
  ping(options: CallOptions = {}): Promise<PingReport> {
    const { perform, sessions, settings, context } = this.#parts;
    const { clock, timeoutMs } = settings;
    return ping({ perform, sessions, clock, timeoutMs, context }, options);
  }

  /** Why no login is tried now, by this process or any that shares its sessions; null while they may be tried. */
  circuit(): Promise<OpenCircuit | null> {
    return this.#parts.sessions.circuit();
  }

  /** Makes sure that there is a session, signing in where there is none. Calls do that by themselves. */
  async login(): Promise<{ readonly userId: number }> {
    const { userId } = await this.#parts.sessions.current();
    return { userId };
  }

  /** Ends the session, here, in the store and on the server. The next call signs in again. */
  async logout(): Promise<void> {
    const session = await this.#parts.sessions.forget();
    if (session !== null) await signOut(this.#parts.login, session);
  }

  /** Lets what was sent, or waits for its turn, end; then closes the connections. The stores' connections are their owners'. */
  async close(): Promise<void> {
    this.#parts.cache.close();
    await this.#parts.transport?.close();
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
      return waitFor(begin(), deadlineMs, late, signal);
    };
    const found = cache.read(method, params, options, () => this.#send(method, params, {}), wait);
    return waitFor(found.then(as), deadlineMs, late, undefined);
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

/** Throws TrytonRequestError naming the place of a value that Tryton could not understand. */
function wireOf(params: unknown = []): readonly Wire[] {
  const wire = encode(params);
  if (isList(wire)) return wire;
  throw new TrytonRequestError('The parameters of a Tryton call have to be a list.');
}
