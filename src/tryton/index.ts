/**
 * The Tryton client, and all that is exported as `passerelle/tryton` and as the package `@passerelle/tryton`. It imports
 * nothing from other modules of this project except `shared`.
 *
 * - `client.ts` offers calls, cached calls, ping and the state of the login circuit; `records.ts` builds its calls for
 *   records and pages.
 * - `rpc/` sends one call: attempts, transport, response. It knows whether a request was sent.
 * - `session/` keeps one session for all processes, signs in once for all callers, and pauses after a refused login.
 * - `cache/` stores answers of reads with the versions of their tags; a write draws new versions.
 * - `wire/` parses and writes JSON without losing digits, and converts tagged values.
 *
 * Invariants: a write is never sent twice; after a write, no answer from before it is returned; no secret is in a log
 * or an error. Not exported on purpose: transport, sessions, cache rules and the codec. The caller owns the connections
 * to Redis.
 *
 * ```ts
 * const tryton = new TrytonClient({ url: 'https://tryton.example/tryton/', user, password });
 * const parties = await tryton.searchRead<{ name: string }>('party.party', [], { fields: ['name'] });
 * ```
 */

export { createRedisCacheStore } from './cache/redis-store.ts';
export { TrytonClient } from './client.ts';
export {
  TrytonAnswerTooLargeError,
  TrytonAuthError,
  TrytonCircuitOpenError,
  TrytonConcurrencyError,
  TrytonDatabaseError,
  TrytonError,
  TrytonLoginStepError,
  TrytonMalformedError,
  TrytonMethodNotAllowedError,
  TrytonNoRoomError,
  TrytonRateLimitError,
  TrytonRequestError,
  TrytonRpcError,
  TrytonSessionError,
  TrytonTimeoutError,
  TrytonUnavailableError,
  TrytonUnknownFateError,
  TrytonUnreachableError,
  TrytonUserError,
  TrytonUserWarning,
} from './errors.ts';
export { isPattern, isRead, matchesPattern, methodName } from './methods.ts';
export type { CallOutcome, TrytonClientOptions } from './options.ts';
export type {
  Domain,
  Order,
  PageOptions,
  ReadOptions,
  RecordOptions,
  Row,
  SearchOptions,
} from './records.ts';
export type { RedisConnection, RedisTransaction } from './redis.ts';
export { createMemorySessionStore } from './session/memory-store.ts';
export { createRedisSessionStore } from './session/redis-store.ts';
export type { Fixtures } from './testing.ts';
export type {
  CacheCounters,
  CacheLookup,
  CacheOptions,
  CacheStore,
  CallOptions,
  CallSite,
  OpenCircuit,
  PingReport,
  ReleaseLogin,
  Session,
  SessionStore,
  TrytonContext,
  TrytonLogger,
  Wire,
} from './types.ts';
export { DateOnly, DateTime, Decimal, Timedelta, TimeOnly } from './wire/values.ts';
