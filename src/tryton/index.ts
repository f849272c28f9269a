export { createRedisCacheStore } from './cache/redis-store.ts';
/**
 * The public face of the Tryton client: `import { TrytonClient } from 'passerelle/tryton'`.
 *
 * Left out on purpose: the parts a client is made of (transport, answers, retries, sessions, cache rules), the tagged
 * JSON and its codec (`call` speaks in the classes below), and what opens connections to Redis, which is the caller's.
 */
export { TrytonClient } from './client.ts';
export {
  TrytonAuthError,
  TrytonCircuitOpenError,
  TrytonConcurrencyError,
  TrytonDatabaseError,
  TrytonError,
  TrytonLoginStepError,
  TrytonMalformedError,
  TrytonMethodNotAllowedError,
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
