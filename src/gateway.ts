import { getHeapStatistics } from 'node:v8';
import type { CircuitProbe } from './alerts/checks.ts';
import type { TrytonConfig } from './config/index.ts';
import type { Database } from './db/client.ts';
import { createRedisCacheStore } from './tryton/cache/redis-store.ts';
import { TrytonClient } from './tryton/client.ts';
import type { CallOutcome } from './tryton/options.ts';
import type { RedisConnection } from './tryton/redis.ts';
import { createRedisSessionStore } from './tryton/session/redis-store.ts';
import type { TrytonLogger } from './tryton/types.ts';
import { TrytonHealthRecorder } from './upstream-health/tryton.ts';

/** The stores that the gateway shares with other processes. */
interface GatewayStores {
  /** A connection of the role `cache`. */
  readonly redis: RedisConnection;
  /** First part of its Redis keys. */
  readonly prefix: string;
  readonly db: Database;
}

/** Null, both, where no Tryton is configured. */
interface Gateway {
  readonly tryton: TrytonClient | null;
  readonly trytonHealth: TrytonHealthRecorder | null;
}

/** Callbacks for calls and logins of the gateway. */
export interface GatewayObservers {
  readonly called?: (call: CallOutcome) => void;
  readonly signedIn?: (login: CallOutcome) => void;
}

type Defer = (release: () => Promise<void>) => void;

/**
 * The share of the heap for answers that are read or held. An answer takes up to four times its size for a moment: its
 * bytes, its text, its values, and the text for the caller.
 */
const HELD_SHARE = 1 / 4;

/** In a container, Node sets it by the memory of the container. */
const heapBytes = () => getHeapStatistics().heap_size_limit;

/** The one Tryton client of a process. Nothing is sent to Tryton before the first call. */
export function openGateway(
  config: TrytonConfig | null,
  { db, ...shared }: GatewayStores,
  log: TrytonLogger,
  defer: Defer,
  observers: GatewayObservers = {},
): Gateway {
  if (config === null) return { tryton: null, trytonHealth: null };
  const tryton = new TrytonClient({
    ...clientOptions(config, shared),
    maxHeldBytes: Math.max(config.maxAnswerBytes, heapBytes() * HELD_SHARE),
    logger: log,
    onOutcome: (outcome) => {
      trytonHealth.observe(outcome);
      observers.called?.(outcome);
    },
    onLogin: (outcome) => observers.signedIn?.(outcome),
  });
  const trytonHealth = new TrytonHealthRecorder(db, `${tryton.user}@${tryton.server}`, log);
  defer(() => trytonHealth.close());
  defer(() => tryton.close());
  return { tryton, trytonHealth };
}

/** The constructor's options: session and cache shared by all who use this Redis with this prefix. */
export function clientOptions(
  config: TrytonConfig,
  { redis, prefix }: Pick<GatewayStores, 'redis' | 'prefix'>,
) {
  const { url: server, user, password } = config;
  const shared = { prefix, server, user, password };
  return {
    ...config,
    cache: createRedisCacheStore(redis, shared),
    sessions: createRedisSessionStore(redis, shared),
  };
}

/** The circuit state for the alerts; null if there is no gateway. */
export function circuitProbe(tryton: TrytonClient | null): CircuitProbe | null {
  if (tryton === null) return null;
  return { subject: `${tryton.user}@${tryton.server}`, circuit: () => tryton.circuit() };
}
