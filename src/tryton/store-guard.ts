import type { Cluster, Redis } from 'ioredis';
import { errorMessage } from '../shared/errors.ts';
import { delay } from '../shared/retry.ts';
import { withTimeout } from '../shared/timeout.ts';
import type { CacheStore, ReleaseLogin, SessionStore, TrytonLogger } from './types.ts';

/** For one question. A store may have limits of its own, and shorter ones. */
const LIMIT_MS = 2000;

/** Waits for a store, which may hang. Rejects after two seconds; the operation continues. */
function withinLimit<T>(asked: Promise<T>): Promise<T> {
  return withTimeout(asked, LIMIT_MS, () => new Error(`no answer within ${LIMIT_MS} ms`), undefined);
}

/** An answer of Redis that says no, out of memory for one. It took no time, so the store need not be spared. */
export function isReply(error: unknown): boolean {
  return error instanceof Error && error.name === 'ReplyError';
}

/** Redis quotes the arguments of an unknown command, and they may be confidential. */
function storeReason(error: unknown): string {
  return errorMessage(error).replace(/,? with args .*/s, '');
}

/** A store that hangs costs one wait per so many milliseconds, not one per call. */
const REST_MS = 1000;

/**
 * A store at its limit takes an answer as soon as another one ends, and refuses the next. So the outage ends, and is
 * logged as ended, when an answer is stored and none was refused for so long.
 */
const CALM_MS = 60_000;

/** The operations of the store. */
type CachePurpose = 'read' | 'write' | 'bump';

/**
 * Stands between the cache and its store: a failure is no error but "not available", and after one the store is
 * left alone for a while; then a single call tries it while the others go on without. Each outage is logged once.
 */
export class CacheGuard {
  readonly #store: CacheStore;
  readonly #clock: () => number;
  readonly #log: TrytonLogger;
  /** A silent store is back as soon as anything works; one that said no to something, when it does that again. */
  readonly #failing = new Set<CachePurpose | 'any'>();
  /** Epoch milliseconds; null: the store answers. */
  #restUntil: number | null = null;
  #trying = false;
  /** Epoch milliseconds of the last answer that the store refused to store. */
  #refusedAt = 0;
  /** How many questions were answered so far. */
  #answers = 0;

  constructor(store: CacheStore, clock: () => number, log: TrytonLogger) {
    this.#store = store;
    this.#clock = clock;
    this.#log = log;
  }

  /** The value, or null when the store did not give it. Never rejects. */
  async use<T>(purpose: CachePurpose, work: (store: CacheStore) => Promise<T>): Promise<{ value: T } | null> {
    const probe = this.#restUntil !== null;
    if (this.#restUntil !== null && (this.#trying || this.#clock() < this.#restUntil)) return null;
    if (probe) this.#trying = true;
    const before = this.#answers;
    try {
      const value = await withinLimit(work(this.#store));
      this.#worked(purpose);
      return { value };
    } catch (error) {
      // Where others were answered meanwhile, it is this process that was too busy to take the answer in time.
      if (isReply(error) || this.#answers === before) this.#failed(purpose, error);
      return null;
    } finally {
      if (probe) this.#trying = false;
    }
  }

  #worked(purpose: CachePurpose): void {
    this.#answers += 1;
    this.#restUntil = null;
    const before = this.#failing.size;
    this.#failing.delete('any');
    if (purpose !== 'write' || this.#clock() - this.#refusedAt >= CALM_MS) this.#failing.delete(purpose);
    if (before > 0 && this.#failing.size === 0) {
      this.#log.info({}, 'the Tryton cache works again');
    }
  }

  #failed(purpose: CachePurpose, error: unknown): void {
    const answered = isReply(error);
    this.#restUntil = answered ? null : this.#clock() + REST_MS;
    if (answered && purpose === 'write') this.#refusedAt = this.#clock();
    const first = this.#failing.size === 0;
    this.#failing.add(answered ? purpose : 'any');
    if (first)
      this.#log.warn({ reason: storeReason(error) }, 'the Tryton cache fails; calls go on without it');
  }
}

/** A login is dearer than a second try: the store may just be connecting, or this process may just have been busy. */
const AGAIN_MS = 100;

/** The store failed. The failure is already logged. */
export class StoreFailure extends Error {
  override readonly name = 'StoreFailure';
}

type SessionPurpose = 'read' | 'claim' | 'write' | 'release';

/** Stands between the sessions and their store: bounds each question, and logs an outage once. */
export class SessionGuard {
  readonly #store: SessionStore;
  readonly #log: TrytonLogger;
  /** A silent store is back as soon as anything works; one that said no to something, when it does that again. */
  readonly #failing = new Set<SessionPurpose | 'any'>();

  constructor(store: SessionStore, log: TrytonLogger) {
    this.#store = store;
    this.#log = log;
  }

  /** Throws StoreFailure. */
  async use<T>(purpose: SessionPurpose, work: (store: SessionStore) => Promise<T>): Promise<T> {
    try {
      const value = await this.#asked(work).catch((error: unknown) => this.#again(error, work));
      this.#worked(purpose);
      return value;
    } catch (error) {
      this.#failed(purpose, error);
      throw new StoreFailure('the session store failed', { cause: error });
    }
  }

  /** The right to sign in; null while another process has it. Throws StoreFailure. */
  claim(): Promise<ReleaseLogin | null> {
    return this.use('claim', async (store) => {
      const claim = store.claimLogin();
      return withinLimit(claim).catch((error: unknown) => {
        // The claim may still succeed after its caller gave up.
        claim.then((release) => release?.()).catch(() => {});
        throw error;
      });
    });
  }

  /** For what may as well fail. */
  async attempt<T>(purpose: SessionPurpose, work: (store: SessionStore) => Promise<T>): Promise<T | null> {
    return this.use(purpose, work).catch(() => null);
  }

  async #asked<T>(work: (store: SessionStore) => Promise<T>): Promise<T> {
    return withinLimit(work(this.#store));
  }

  async #again<T>(error: unknown, work: (store: SessionStore) => Promise<T>): Promise<T> {
    if (this.#failing.size > 0 || isReply(error)) throw error;
    await delay(AGAIN_MS);
    return this.#asked(work);
  }

  #worked(purpose: SessionPurpose): void {
    const before = this.#failing.size;
    this.#failing.delete('any');
    this.#failing.delete(purpose);
    if (before > 0 && this.#failing.size === 0) this.#log.info({}, 'the Tryton session is shared again');
  }

  #failed(purpose: SessionPurpose, error: unknown): void {
    const first = this.#failing.size === 0;
    this.#failing.add(isReply(error) ? purpose : 'any');
    const reason = storeReason(error);
    if (first) this.#log.warn({ reason }, 'the Tryton session cannot be shared; this process uses its own');
  }
}

/** One server, or a cluster in which all keys are in one slot. */
export type RedisConnection = Redis | Cluster;

/**
 * Await it before a command. It rejects without a connection, and waits up to `ms` for one that is being
 * opened, once for all callers.
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
