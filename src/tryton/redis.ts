/**
 * The part of ioredis that the stores use: a `Redis`, or a `Cluster` in which all keys are in one slot. The types of
 * ioredis are not imported, so that programs without Redis do not need them.
 */
export interface RedisConnection {
  readonly status: string;
  on(event: string, listener: () => void): unknown;
  once(event: string, listener: () => void): unknown;
  off(event: string, listener: () => void): unknown;
  get(key: string): Promise<string | null>;
  set(key: string, value: string, px: 'PX', ms: number): Promise<'OK'>;
  set(key: string, value: string, px: 'PX', ms: number, nx: 'NX'): Promise<'OK' | null>;
  pexpire(key: string, ms: number): Promise<number>;
  unlink(key: string): Promise<number>;
  mgetBuffer(keys: string[]): Promise<(Buffer | null)[]>;
  eval(script: string, keys: number, ...args: (string | number | Buffer)[]): Promise<unknown>;
  multi(): RedisTransaction;
}

/** Commands that are sent together. */
export interface RedisTransaction {
  set(key: string, value: string, px: 'PX', ms: number): unknown;
  set(key: string, value: string, px: 'PX', ms: number, nx: 'NX'): unknown;
  set(key: string, value: string, ttl: 'KEEPTTL', xx: 'XX'): unknown;
  pexpire(key: string, ms: number): unknown;
  exec(): Promise<[error: Error | null, result: unknown][] | null>;
}

/**
 * Await it before a command. It rejects without a connection, and waits up to `ms` for one that is being opened, once
 * for all callers.
 */
export function connectionOf(redis: RedisConnection, ms: number): () => Promise<void> {
  let opening: Promise<void> | null = null;
  return () => {
    const { status } = redis;
    // With `wait`, its first command opens it.
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
      redis.off('ready', ready);
      redis.off('close', closed);
      settle();
    };
    const ready = end(resolve);
    const closed = end(() => reject(noConnection()));
    const timer = setTimeout(closed, ms);
    redis.once('ready', ready);
    redis.once('close', closed);
  });
}

function noConnection(): Error {
  return new Error('no connection to Redis');
}
