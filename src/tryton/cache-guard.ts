import { isReply, storeReason, withinLimit } from './store-errors.ts';
import type { CacheStore, TrytonLogger } from './types.ts';

/** A store that hangs costs one wait per so many milliseconds, not one per call. */
const REST_MS = 1000;

/**
 * A store at its limit takes an answer as soon as another one ends, and refuses the next. So the outage ends, and is
 * logged as ended, when an answer is stored and none was refused for so long.
 */
const CALM_MS = 60_000;

/** What is asked of the store: to look up, to keep, to change tags. */
type Purpose = 'read' | 'write' | 'bump';

/**
 * Stands between the cache and its store: a failure is no error but "not available", and after one the store is
 * left alone for a while; then a single call tries it while the others go on without. Each outage is logged once.
 */
export class CacheGuard {
  readonly #store: CacheStore;
  readonly #clock: () => number;
  readonly #log: TrytonLogger;
  /** A silent store is back as soon as anything works; one that said no to something, when it does that again. */
  readonly #failing = new Set<Purpose | 'any'>();
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
  async use<T>(purpose: Purpose, work: (store: CacheStore) => Promise<T>): Promise<{ value: T } | null> {
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

  #worked(purpose: Purpose): void {
    this.#answers += 1;
    this.#restUntil = null;
    const before = this.#failing.size;
    this.#failing.delete('any');
    if (purpose !== 'write' || this.#clock() - this.#refusedAt >= CALM_MS) this.#failing.delete(purpose);
    if (before > 0 && this.#failing.size === 0) {
      this.#log.info({}, 'the Tryton cache works again');
    }
  }

  #failed(purpose: Purpose, error: unknown): void {
    const answered = isReply(error);
    this.#restUntil = answered ? null : this.#clock() + REST_MS;
    if (answered && purpose === 'write') this.#refusedAt = this.#clock();
    const first = this.#failing.size === 0;
    this.#failing.add(answered ? purpose : 'any');
    if (first)
      this.#log.warn({ reason: storeReason(error) }, 'the Tryton cache fails; calls go on without it');
  }
}
