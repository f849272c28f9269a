import type { Cluster, Redis } from 'ioredis';

/** One server, or a cluster in which all keys are in one slot. */
export type RedisConnection = Redis | Cluster;

/**
 * What to await before a command: rejects unless there is a connection; waits up to `ms` for one that is just being
 * opened, all callers together.
 */
export function connectionOf(redis: RedisConnection, ms: number): () => Promise<void> {
  let opening: Promise<void> | null = null;
  return () => {
    const { status } = redis;
    // `wait`: it is opened by its first command.
    if (status === 'ready' || status === 'wait') return Promise.resolve();
    if (status !== 'connecting' && status !== 'connect') return Promise.reject(noConnection());
    opening ??= opened(redis, ms).finally(() => {
      opening = null;
    });
    return opening;
  };
}

function opened(redis: RedisConnection, ms: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const end = (settle: () => void) => () => {
      clearTimeout(timer);
      redis.off('ready', ready).off('close', closed);
      settle();
    };
    const ready = end(resolve);
    const closed = end(() => reject(noConnection()));
    const timer = setTimeout(closed, ms);
    redis.once('ready', ready).once('close', closed);
  });
}

function noConnection(): Error {
  return new Error('no connection to Redis');
}
