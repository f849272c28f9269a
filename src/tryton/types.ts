import type { Redactor } from '../shared/redact.ts';
/**
 * A value of the wire: JSON, integers beyond 2^53 as `bigint`, NaN and infinities as numbers, tagged objects unchanged.
 */
export type Wire =
  | null
  | boolean
  | number
  | bigint
  | string
  | readonly Wire[]
  | { readonly [name: string]: Wire };

/** The context of Tryton: language, company, `active_test` and the like. */
export type TrytonContext = Readonly<Record<string, unknown>>;

/** The answer of `common.db.login`, and its time. */
export interface Session {
  readonly login: string;
  readonly userId: number;
  /** The secret part. */
  readonly key: string;
  /** Epoch milliseconds, by the clock of the process that signed in. */
  readonly createdAt: number;
}

/** Why logins are paused. */
export interface OpenCircuit {
  /** Epoch milliseconds. */
  readonly until: number;
  /** The code of the error that opened it. */
  readonly code: string;
  /** Its message, for people; holds no secret. */
  readonly reason: string;
}

/** Releases the right to sign in; does nothing if it was lost meanwhile. */
export type ReleaseLogin = () => Promise<void>;

interface Preparable {
  /** Work before the first operation that needs no server, such as the derivation of a key. It has no time limit. */
  prepare?(): Promise<unknown>;
}

/**
 * Stores the session that several processes of one Tryton user share. Any function may reject: then the process
 * continues with its own session.
 */
export interface SessionStore extends Preparable {
  read(): Promise<Session | null>;
  write(session: Session, ttlMs: number): Promise<void>;
  /** Removes the session, unless another one has replaced it. */
  remove(session: Session): Promise<void>;
  /**
   * The right to sign in: null while another process has it. It is extended until it is released or the process ends.
   */
  claimLogin(): Promise<ReleaseLogin | null>;
  readCircuit(): Promise<OpenCircuit | null>;
  /** @param ttlMs how long logins stay paused, and so how long to store it. */
  openCircuit(circuit: OpenCircuit, ttlMs: number): Promise<void>;
}

/** A stored entry and the current versions of its tags. */
export interface CacheLookup {
  readonly entry: string | null;
  /** The current versions of the tags, as one text. It never returns to an earlier value after an invalidation. */
  readonly versions: string;
  /** One of the tags is held: nothing may be stored or read under it for now. */
  readonly held: boolean;
}

/**
 * Stores cached answers. A tag is a name whose version changes with the writes to it. An entry is valid while the
 * versions it was stored with are still current. Any function may reject: that is a miss.
 */
export interface CacheStore extends Preparable {
  /** One round trip. */
  read(key: string, tags: readonly string[]): Promise<CacheLookup>;
  write(key: string, entry: string, ttlMs: number): Promise<void>;
  /**
   * A write to these tags begins. If no invalidation follows within `ms` (the process died), the tags expire by
   * themselves.
   */
  foresee(tags: readonly string[], ms: number): Promise<void>;
  /**
   * Invalidates every entry with one of these tags, before the planned expiry, and holds the tags for `holdMs` (0: not
   * at all).
   */
  bump(tags: readonly string[], holdMs: number): Promise<void>;
}

/** The part of pino's logger that is used. */
export interface TrytonLogger {
  debug(details: object, message: string): void;
  info(details: object, message: string): void;
  warn(details: object, message: string): void;
}

/** An unparsed result, and how long the server lets clients cache it. */
export interface Answer {
  readonly result: Wire;
  /** `X-Tryton-Cache` in seconds (Tryton 5.2 and newer, on cacheable reads); null if it was not sent. */
  readonly cacheSeconds: number | null;
}

export interface CallOptions {
  readonly signal?: AbortSignal | undefined;
  /**
   * For the call of another program: members that override its context. Names of its context that begin with `_` are
   * left out, except `_timestamp`.
   */
  readonly fixedContext?: FixedContext | undefined;
}

export type FixedContext = { readonly [name: string]: Wire };

export interface CacheOptions {
  /**
   * Seconds to cache an answer without a lifetime from the server; otherwise the shorter of the two counts. If unset,
   * only answers with a lifetime from the server are cached.
   */
  readonly ttl?: number | undefined;
  /** Seconds after expiry in which an answer is still returned while a new one is fetched in the background. */
  readonly stale?: number | undefined;
}

/** How cached calls went, for one method. `bypass`: not a read, not cacheable, or too large. `error`: the store failed. */
export interface CacheCounters {
  readonly hit: number;
  readonly miss: number;
  readonly stale: number;
  readonly bypass: number;
  readonly error: number;
}

/** The result of a ping. A server that does not answer is a result too: nothing is thrown. */
export interface PingReport {
  /** The server answered `common.server.version`. */
  readonly reachable: boolean;
  /** A call with the session succeeded. */
  readonly authenticated: boolean;
  readonly version: string | null;
  /** Milliseconds of the authenticated call if it succeeded, otherwise of the anonymous one. */
  readonly latencyMs: number | null;
  readonly sessionAgeMs: number | null;
  readonly circuit: OpenCircuit | null;
  /** The first error. */
  readonly error: { readonly code: string; readonly message: string } | null;
}

/** A prepared call, for any number of requests. Do not change it. */
export interface ReadyCall {
  readonly method: string;
  /** With its context. */
  readonly params: readonly Wire[];
}

export interface HttpAnswer {
  readonly status: number;
  readonly header: (name: string) => string | undefined;
  readonly text: string;
}

/** The properties of a request that its errors need. */
export interface RequestSite {
  readonly site: CallSite;
  /** Whether doing it twice, or not knowing whether it was done, matters. */
  readonly write: boolean;
}

/** The properties of a call that its answer needs. */
export interface RequestDetails extends RequestSite {
  /** Id of the request; the answer must repeat it. */
  readonly id: number;
  /** To `root` (the server, no session), to the database with a session (`call`), or to sign in (`login`). */
  readonly kind: 'root' | 'call' | 'login';
  readonly hide: Redactor;
}

export interface RpcRequest extends Pick<RequestDetails, 'kind' | 'write'> {
  readonly method: string;
  readonly params: readonly Wire[];
  readonly session?: Session | undefined;
  /** Which try it is, for the log. */
  readonly attempt: number;
  readonly timeoutMs: number;
  /** By `performance.now()`: the deadline of all tries. */
  readonly until: number;
  readonly signal?: AbortSignal | undefined;
}

/** One request, one answer. Throws what `readAnswer` and the transport throw. */
export type SendRpc = (request: RpcRequest) => Promise<Answer>;

/** Where a call went: what every message names. */
export interface CallSite {
  /** `https://erp.example/tryton/`, never with a user or a password. */
  readonly server: string;
  /** `model.party.party.read`. */
  readonly method: string;
}
