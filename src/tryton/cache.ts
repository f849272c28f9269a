import { AnswerCache } from './answer-cache.ts';
import { checkOptions } from './cache-entry.ts';
import type { CacheScope } from './cache-key.ts';
import { cacheKey } from './cache-key.ts';
import { OutcomeCounters } from './counters.ts';
import type { Result } from './result.ts';
import { resultOf } from './result.ts';
import type { Answer, CacheCounters, CacheOptions, CacheStore, TrytonLogger, Wire } from './types.ts';

export interface CacheParts extends CacheScope {
  /** null: nothing is kept, every cached call is a call. */
  readonly store: CacheStore | null;
  /** A larger entry is not kept. */
  readonly maxEntryBytes: number;
  /** Of a call: no write is under way for longer. */
  readonly deadlineMs: number;
  readonly clock: () => number;
  readonly log: TrytonLogger;
}

/** To be called once the write is over, with the error if it failed, and waited for before its caller is answered. */
export type Written = (error?: unknown) => Promise<void>;

/** How a caller waits for an answer that is fetched, also for others: begins it unless the caller has gone. */
export type Wait = <T>(begin: () => Promise<T>) => Promise<T>;

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
   * The answer of a read from the cache, or from `fetch`. Callers that ask at the same time share one fetch, so it must
   * not end because one of them goes away. Other methods are fetched and passed on.
   *
   * Throws what `fetch` throws, and TrytonRequestError for options that are none.
   */
  read(
    method: string,
    params: readonly Wire[],
    options: CacheOptions,
    fetch: () => Promise<Answer>,
    wait?: Wait,
  ): Promise<Result>;
  /** To be called before each call; reads are let through. Neither it nor what it gives rejects. */
  writing(method: string, params: readonly Wire[]): Promise<Written>;
  /** Makes all answers about a model stale: `party.party`; `*` for everything. */
  invalidate(model: string): Promise<void>;
  counters(): Readonly<Record<string, CacheCounters>>;
  /** Stops what goes on behind the scenes. */
  close(): void;
}

/** Waits for as long as it takes. */
export const atOnce: Wait = (begin) => begin();

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
