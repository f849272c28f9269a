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

/** How one cached call went. */
type CacheOutcome = keyof CacheCounters;

/** Callers choose the names of methods: those beyond the limit are counted together. */
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

  /** A copy, by method. */
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
interface Question {
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
  /** By the server's word, the options and its size. */
  readonly keepable: boolean;
  /** Resolves once it is in the store, if it gets there. */
  readonly kept?: Promise<void>;
}

/** The cache over a store. See `Cache` for its rules. */
class AnswerCache implements Cache {
  readonly #parts: CacheParts;
  readonly #guard: CacheGuard;
  readonly #writes: CacheWrites;
  readonly #counters = new OutcomeCounters();
  /** Fetches in progress, until their answers are stored; by key and versions. */
  readonly #flights = new Map<string, Promise<Fetched>>();
  /** By parameters, which do not change after they have a context. */
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
    const question = { method, key: this.#keyOf(method, params), tags, options, fetch, wait, local };
    const found = await this.#lookUp(question);
    if (found?.held) return this.#pass(question);
    const kept = found?.entry ? unpackEntry(found.entry, found.versions) : null;
    const state = kept === null ? 'over' : freshness(kept, options, this.#parts.clock());
    if (kept === null || state === 'over') return this.#miss(question, found);
    this.#counters.count(method, state === 'fresh' ? 'hit' : 'stale');
    if (state === 'stale') this.#refresh(question, found);
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

  async #pass({ method, fetch, wait }: Pick<Question, 'method' | 'fetch' | 'wait'>): Promise<Result> {
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

  /** null: the store cannot be asked. */
  async #lookUp({ key, tags }: Question): Promise<CacheLookup | null> {
    if (!(await this.#writes.settled(tags))) return null;
    const looked = await this.#guard.use('read', (store) => store.read(key, tags));
    return looked?.value ?? null;
  }

  async #miss(question: Question, found: CacheLookup | null): Promise<Result> {
    let outcome: CacheOutcome = found === null ? 'error' : 'miss';
    try {
      const { result, keepable, kept } = await question.wait(() => this.#fetchOnce(question, found));
      if (outcome === 'miss' && !keepable) outcome = 'bypass';
      return resultOf(result, kept);
    } finally {
      this.#counters.count(question.method, outcome);
    }
  }

  /** One at a time for an entry; its caller has long been answered. */
  #refresh(question: Question, found: CacheLookup | null): void {
    this.#fetchOnce(question, found).catch((error: unknown) => {
      const { method } = question;
      const details = { method, code: errorCode(error), reason: errorMessage(error) };
      this.#parts.log.warn(details, 'a stale answer could not be renewed');
    });
  }

  /**
   * Joins the fetch of the same thing that is under way. The versions are part of "the same thing": a read that begins
   * after a write was answered, here or (while the store works) elsewhere, does not join a fetch from before it.
   */
  #fetchOnce(question: Question, found: CacheLookup | null): Promise<Fetched> {
    const name = [question.key, question.local, found?.versions ?? ''].join('\n');
    const underWay = this.#flights.get(name);
    if (underWay !== undefined) return underWay;
    const flight = this.#fetch(question, found);
    this.#flights.set(name, flight);
    const landed = () => this.#flights.delete(name);
    // Callers that looked before it was stored join this fetch.
    void flight.then(({ kept }) => kept).then(landed, landed);
    return flight;
  }

  async #fetch({ key, tags, options, fetch, local }: Question, found: CacheLookup | null): Promise<Fetched> {
    const { result, cacheSeconds } = await fetch();
    const lifetime = lifetimeSecs(cacheSeconds, options);
    if (lifetime === 0) return { result, keepable: false };
    // Written to meanwhile, by this process: the versions read before the fetch may still stand if a bump is owed.
    if (found === null || this.#writes.versions(tags) !== local) return { result, keepable: true };
    const head = { versions: found.versions, storedAt: this.#parts.clock(), cacheSeconds };
    const entry = packEntry(head, result);
    if (Buffer.byteLength(entry) > this.#parts.maxEntryBytes) return { result, keepable: false };
    const kept = this.#guard.use('write', (store) => store.write(key, entry, keepMs(lifetime, options)));
    return { result, keepable: true, kept: kept.then(() => {}) };
  }
}

/** Whether the write may still be carried out: no answer came, or its caller gave up waiting. */
function isUnknown(error: unknown): boolean {
  return (
    error instanceof TrytonUnknownFateError || (error !== undefined && !(error instanceof PasserelleError))
  );
}

/** Servers that share a store do not share tags. */
function ofServer(store: CacheStore, server: string): CacheStore {
  // Bounded, because callers choose the names of models.
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

/** To be called once the write is over, with the error if it failed, and waited for before its caller is answered. */
type Written = (error?: unknown) => Promise<void>;

/** How a caller waits for an answer that is fetched, also for others: begins it unless the caller has gone. */
type Wait = <T>(begin: () => Promise<T>) => Promise<T>;

/**
 * The cached answers of one Tryton user. The rules: only answers of reads are kept, never errors; an answer counts
 * only while the versions of its tags are those that were current before it was asked for; a store in trouble is a
 * miss.
 *
 * Limits: an answer that shows another model's data (`party.name` of a sale) follows the writes to its own model
 * only, and a write that passes no gateway is not seen before the entry's end.
 */
export interface Cache {
  /** The name of an answer: see `cacheKey`. */
  key(method: string, params: readonly Wire[]): string;
  /**
   * Returns the answer of a read from the cache, or from `fetch`. Concurrent callers share one fetch, so
   * the fetch must not end if one of them leaves. Other methods are fetched without the cache.
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
  /** Call it before each call; reads pass. Neither it nor its result rejects. */
  writing(method: string, params: readonly Wire[]): Promise<Written>;
  /** Makes all answers about a model stale: `party.party`; `*` for everything. */
  invalidate(model: string): Promise<void>;
  counters(): Readonly<Record<string, CacheCounters>>;
  /** Stops what goes on behind the scenes. */
  close(): void;
}

/** Waits for as long as it takes. */
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
