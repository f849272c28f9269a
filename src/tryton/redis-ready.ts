import type { Redis } from 'ioredis';

/** Rejects unless there is a connection; waits up to `ms` for one that is just being opened. */
export function connected(redis: Redis, ms: number): Promise<void> {
  const { status } = redis;
  // `wait`: it is opened by its first command.
  if (status === 'ready' || status === 'wait') return Promise.resolve();
  if (status !== 'connecting' && status !== 'connect') return Promise.reject(noConnection());
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
