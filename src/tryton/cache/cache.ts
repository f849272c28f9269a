import { LRUCache } from 'lru-cache';
import { errorCode, errorMessage, PasserelleError } from '../../shared/errors.ts';
import { TrytonUnknownFateError } from '../errors.ts';
import { isRead, readTags, writeTags } from '../methods.ts';
import { CacheGuard } from '../store-guard.ts';
import type { Answer, CacheCounters, CacheLookup, CacheOptions, CacheStore, Wire } from '../types.ts';
import { type Result, resultOf } from '../wire/json.ts';
import {
  type CacheParts,
  type CacheScope,
  cacheKey,
  checkOptions,
  freshness,
  keepMs,
  lifetimeSecs,
  packEntry,
  tagKey,
  unpackEntry,
} from './entry.ts';
import { CacheWrites } from './invalidation.ts';

/** The result of one cached call. */
type CacheOutcome = keyof CacheCounters;

/** Callers choose the names of methods. Methods beyond the limit are counted together. */
const OTHER = '(other)';

/** Counts per method, of at most `limit` methods. */
class OutcomeCounters {
  readonly #limit: number;
  readonly #counts = new Map<string, Record<CacheOutcome, number>>();

  constructor(limit = 1000) {
    this.#limit = limit;
  }

  count(method: string, outcome: CacheOutcome): void {
    this.#of(method)[outcome] += 1;
  }

  /** A copy of the counts by method. */
  all(): Readonly<Record<string, CacheCounters>> {
    return Object.fromEntries([...this.#counts].map(([method, counts]) => [method, { ...counts }]));
  }

  #of(method: string): Record<CacheOutcome, number> {
    const known = this.#counts.get(method);
    if (known !== undefined) return known;
    if (this.#counts.size >= this.#limit && method !== OTHER) return this.#of(OTHER);
    const fresh = { hit: 0, miss: 0, stale: 0, bypass: 0, error: 0 };
    this.#counts.set(method, fresh);
    return fresh;
  }
}

/** Maximum of cached tag names; each is a digest. */
const MAX_TAGS = 1000;

/** The state of one cached read before the fetch. */
interface CachedRead {
  readonly method: string;
  readonly key: string;
  readonly tags: readonly string[];
  readonly options: CacheOptions;
  readonly fetch: () => Promise<Answer>;
  readonly wait: Wait;
  /** The local versions of the tags when the read began. */
  readonly local: string;
}

interface Fetched {
  readonly result: Wire;
  /** The lifetime from the server's answer, the options and the size. */
  readonly keepable: boolean;
  /** Resolves once the answer is in the store, or is known not to get there. */
  readonly kept?: Promise<void>;
}

/** The cache over a store. See `Cache` for its rules. */
class AnswerCache implements Cache {
  readonly #parts: CacheParts;
  readonly #guard: CacheGuard;
  readonly #writes: CacheWrites;
  readonly #counters = new OutcomeCounters();
  /** Fetches in progress, until their answers are stored. The key contains the versions. */
  readonly #flights = new Map<string, Promise<Fetched>>();
  /** Digests by parameter object. A parameter object does not change once it has a context. */
  readonly #keys = new WeakMap<readonly Wire[], { readonly method: string; readonly key: string }>();

  constructor(parts: CacheParts & { readonly store: CacheStore }) {
    this.#parts = parts;
    this.#guard = new CacheGuard(ofServer(parts.store, parts.server), parts.clock, parts.log);
    this.#writes = new CacheWrites(this.#guard, parts);
  }

  key(method: string, params: readonly Wire[]): string {
    return cacheKey(this.#parts, method, params);
  }

  async read(
    method: string,
    params: readonly Wire[],
    options: CacheOptions,
    fetch: () => Promise<Answer>,
    wait: Wait = atOnce,
  ): Promise<Result> {
    checkOptions(options);
    if (!isRead(method)) return this.#pass({ method, fetch, wait });
    const tags = readTags(method);
    const local = this.#writes.versions(tags);
    const read = { method, key: this.#keyOf(method, params), tags, options, fetch, wait, local };
    const found = await this.#lookUp(read);
    if (found?.held) return this.#pass(read);
    const kept = found?.entry ? unpackEntry(found.entry, found.versions) : null;
    const state = kept === null ? 'over' : freshness(kept, options, this.#parts.clock());
    if (kept === null || state === 'over') return this.#miss(read, found);
    this.#counters.count(method, state === 'fresh' ? 'hit' : 'stale');
    if (state === 'stale') this.#refresh(read, found);
    return kept.result;
  }

  async writing(method: string, params: readonly Wire[]): Promise<Written> {
    if (isRead(method)) return async () => {};
    const tags = writeTags(method, params);
    this.#writes.begin(tags);
    return (error) => this.#writes.end(tags, isUnknown(error));
  }

  invalidate(model: string): Promise<void> {
    return this.#writes.end([model], false);
  }

  counters(): Readonly<Record<string, CacheCounters>> {
    return this.#counters.all();
  }

  close(): void {
    this.#writes.close();
  }

  async #pass({ method, fetch, wait }: Pick<CachedRead, 'method' | 'fetch' | 'wait'>): Promise<Result> {
    this.#counters.count(method, 'bypass');
    return resultOf((await wait(fetch)).result);
  }

  /** The same parameter object does not need a second digest. */
  #keyOf(method: string, params: readonly Wire[]): string {
    const known = this.#keys.get(params);
    if (known?.method === method) return known.key;
    const key = this.key(method, params);
    this.#keys.set(params, { method, key });
    return key;
  }

  /** null: the store does not answer. */
  async #lookUp({ key, tags }: CachedRead): Promise<CacheLookup | null> {
    if (!(await this.#writes.settled(tags))) return null;
    const looked = await this.#guard.use('read', (store) => store.read(key, tags));
    return looked?.value ?? null;
  }

  async #miss(read: CachedRead, found: CacheLookup | null): Promise<Result> {
    let outcome: CacheOutcome = found === null ? 'error' : 'miss';
    try {
      const { result, keepable, kept } = await read.wait(() => this.#fetchOnce(read, found));
      if (outcome === 'miss' && !keepable) outcome = 'bypass';
      return resultOf(result, kept);
    } finally {
      this.#counters.count(read.method, outcome);
    }
  }

  /** One refresh at a time for an entry; its caller already has the stale answer. */
  #refresh(read: CachedRead, found: CacheLookup | null): void {
    this.#fetchOnce(read, found).catch((error: unknown) => {
      const { method } = read;
      const details = { method, code: errorCode(error), reason: errorMessage(error) };
      this.#parts.log.warn(details, 'a stale answer could not be renewed');
    });
  }

  /**
   * Joins the fetch of the same call that is in progress. The key contains the versions, so a read that begins after a
   * write was answered does not join a fetch from before the write. This holds for writes here and, while the store
   * works, elsewhere.
   */
  #fetchOnce(read: CachedRead, found: CacheLookup | null): Promise<Fetched> {
    const name = [read.key, read.local, found?.versions ?? ''].join('\n');
    const underWay = this.#flights.get(name);
    if (underWay !== undefined) return underWay;
    const flight = this.#fetch(read, found);
    this.#flights.set(name, flight);
    const landed = () => this.#flights.delete(name);
    // Callers that looked before it was stored join this fetch.
    void flight.then(({ kept }) => kept).then(landed, landed);
    return flight;
  }

  async #fetch(
    { key, tags, options, fetch, local }: CachedRead,
    found: CacheLookup | null,
  ): Promise<Fetched> {
    const { result, cacheSeconds } = await fetch();
    const lifetime = lifetimeSecs(cacheSeconds, options);
    if (lifetime === 0) return { result, keepable: false };
    // This process wrote meanwhile. The versions read before the fetch may still be valid if an invalidation is
    // pending.
    if (found === null || this.#writes.versions(tags) !== local) return { result, keepable: true };
    const head = { versions: found.versions, storedAt: this.#parts.clock(), cacheSeconds };
    const entry = packEntry(head, result);
    if (Buffer.byteLength(entry) > this.#parts.maxEntryBytes) return { result, keepable: false };
    const kept = this.#guard.use('write', (store) => store.write(key, entry, keepMs(lifetime, options)));
    return { result, keepable: true, kept: kept.then(() => {}) };
  }
}

/** Whether the write may still be carried out: no answer came, or its caller stopped waiting. */
function isUnknown(error: unknown): boolean {
  return (
    error instanceof TrytonUnknownFateError || (error !== undefined && !(error instanceof PasserelleError))
  );
}

/** Servers that share a store do not share tags. */
function ofServer(store: CacheStore, server: string): CacheStore {
  // Limited, because callers choose the names of models.
  const known = new LRUCache<string, string>({ max: MAX_TAGS, memoMethod: (tag) => tagKey(server, tag) });
  const nameOf = (tag: string) => known.memo(tag);
  const named = (tags: readonly string[]) => tags.map(nameOf);
  return {
    read: (key, tags) => store.read(key, named(tags)),
    write: (key, entry, ttlMs) => store.write(key, entry, ttlMs),
    foresee: (tags, ms) => store.foresee(named(tags), ms),
    bump: (tags, holdMs) => store.bump(named(tags), holdMs),
  };
}

/** Call it after the write, with the error if it failed, and wait for it before the caller gets its answer. */
type Written = (error?: unknown) => Promise<void>;

/** How a caller waits for a shared fetch. The fetch is started unless the caller has left. */
type Wait = <T>(begin: () => Promise<T>) => Promise<T>;

/**
 * The cached answers of one Tryton user. Only answers of reads are stored, never errors. An answer is valid while the
 * versions of its tags are those from before the request. A store that fails is a miss.
 *
 * Limits: an answer that contains data of another model (`party.name` of a sale) is only invalidated by writes to its
 * own model. A write that does not pass a gateway is not seen before the entry expires.
 */
export interface Cache {
  /** The name of an answer: see `cacheKey`. */
  key(method: string, params: readonly Wire[]): string;
  /**
   * Returns the answer of a read from the cache, or from `fetch`. Concurrent callers share one fetch, so the fetch must
   * not end if one of them leaves. Other methods are fetched without the cache.
   *
   * Throws the errors of `fetch`, and TrytonRequestError for invalid options.
   */
  read(
    method: string,
    params: readonly Wire[],
    options: CacheOptions,
    fetch: () => Promise<Answer>,
    wait?: Wait,
  ): Promise<Result>;
  /** Call it before each call; it ignores reads. Neither it nor its result rejects. */
  writing(method: string, params: readonly Wire[]): Promise<Written>;
  /** Invalidates all answers about a model: `party.party`; `*` for everything. */
  invalidate(model: string): Promise<void>;
  counters(): Readonly<Record<string, CacheCounters>>;
  /** Stops the background work. */
  close(): void;
}

/** Waits without a time limit. */
const atOnce: Wait = (begin) => begin();

export function createCache(parts: CacheParts): Cache {
  const { store } = parts;
  return store === null ? withoutStore(parts) : new AnswerCache({ ...parts, store });
}

function withoutStore(scope: CacheScope): Cache {
  const counters = new OutcomeCounters();
  return {
    key: (method, params) => cacheKey(scope, method, params),
    read: async (method, _params, options, fetch, wait = atOnce) => {
      checkOptions(options);
      counters.count(method, 'bypass');
      return resultOf((await wait(fetch)).result);
    },
    writing: async () => async () => {},
    invalidate: async () => {},
    counters: () => counters.all(),
    close: () => {},
  };
}
