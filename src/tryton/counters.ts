import type { CacheCounters } from './types.ts';

/** How one cached call went. */
export type CacheOutcome = keyof CacheCounters;

/** Callers choose the names of methods: those beyond the limit are counted together. */
const OTHER = '(other)';

/** Counts per method, of at most `limit` methods. */
export class OutcomeCounters {
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
