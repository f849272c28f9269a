import { type Cache, createCache } from '../../../src/tryton/cache/cache.ts';
import { createRedisCacheStore } from '../../../src/tryton/cache/redis-store.ts';
import type { Answer, CacheOptions, CacheStore, Wire } from '../../../src/tryton/types.ts';
import { freshPrefix, openCacheRedis, redisUrl } from '../../support/redis.ts';
import { waitFor } from '../../support/wait-for.ts';

export interface LogLine {
  readonly level: 'debug' | 'info' | 'warn';
  readonly message: string;
  readonly details: object;
}

export interface CacheSetting {
  readonly prefix?: string;
  readonly url?: string;
  readonly server?: string;
  readonly user?: string;
  readonly password?: string;
  readonly maxEntryBytes?: number;
  readonly store?: (store: CacheStore) => CacheStore;
  /** Calls may come before there is a connection. */
  readonly early?: boolean;
}

export const SECRET = { server: 'http://tryton.example/tryton/', user: 'admin', password: 'secret' };

const opened: (() => void)[] = [];

/** To be called after each test. */
export function closeCaches(): void {
  for (const close of opened.splice(0)) close();
}

/** One "process" with a cache: a connection of its own, a clock that can be set forward, and its log. */
export function openCache({ prefix = freshPrefix(), url = redisUrl(), ...setting }: CacheSetting = {}) {
  const redis = openCacheRedis(url);
  const log: LogLine[] = [];
  const at = (level: LogLine['level']) => (details: object, message: string) => {
    log.push({ level, message, details });
  };
  let ahead = 0;
  const { server, user, password } = { ...SECRET, ...setting };
  const store = createRedisCacheStore(redis, { prefix, server, user, password });
  // A call waits for a connection for 250 ms only, which is short on a loaded machine.
  const isAwaited = url === redisUrl() && setting.early !== true;
  const derive = store.prepare?.bind(store);
  const prepare = async () => {
    if (isAwaited) await waitFor(() => redis.status === 'ready', 'the connection to Redis');
    await derive?.();
  };
  const cache = createCache({
    store: Object.assign(setting.store?.(store) ?? store, { prepare }),
    server,
    user,
    maxEntryBytes: setting.maxEntryBytes ?? 2 ** 20,
    deadlineMs: 30_000,
    clock: () => Date.now() + ahead,
    log: { debug: at('debug'), info: at('info'), warn: at('warn') },
  });
  opened.push(() => {
    cache.close();
    redis.disconnect();
  });
  const pass = (secs: number) => {
    ahead += secs * 1000;
  };
  return { cache, redis, log, prefix, pass };
}

export const READ = 'model.party.party.read';
export const PARAMS: readonly Wire[] = [[1], ['name'], { language: 'fr' }];

/** A server with one answer, which may change; counts how often it was asked. */
export function server(first: Wire, cacheSeconds: number | null = null) {
  const state = { value: first, asked: 0 };
  const fetch = async (): Promise<Answer> => {
    state.asked += 1;
    return { result: state.value, cacheSeconds };
  };
  return { state, fetch };
}

export type Server = ReturnType<typeof server>;

/** A cached read of party 1. */
export async function read(
  cache: Cache,
  { fetch }: { fetch: () => Promise<Answer> },
  options: CacheOptions = { ttl: 60 },
): Promise<Wire> {
  const result = await cache.read(READ, PARAMS, options, fetch);
  await result.kept;
  return result.wire();
}

/** A server that answers on request: `asked` resolves when it is asked for the first time. */
export function slowServer() {
  const asked = deferred<void>();
  const answer = deferred<Answer>();
  let calls = 0;
  const fetch = () => {
    calls += 1;
    asked.resolve();
    return answer.promise;
  };
  return {
    fetch,
    asked: asked.promise,
    calls: () => calls,
    answer: (result: Wire) => answer.resolve({ result, cacheSeconds: null }),
    fail: (error: Error) => answer.reject(error),
  };
}

function deferred<T>() {
  let resolve: (value: T) => void = () => {};
  let reject: (error: Error) => void = () => {};
  const promise = new Promise<T>((yes, no) => {
    resolve = yes;
    reject = no;
  });
  return { promise, resolve, reject };
}

/** A write to the party model that changes what the server answers. */
export async function write(cache: Cache, { state }: Server, value: Wire): Promise<void> {
  const written = await cache.writing('model.party.party.write', []);
  state.value = value;
  await written();
}
