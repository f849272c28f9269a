/** So many mirrors work at full concurrency. Beyond it, each one gets less. */
const FULL_MIRRORS = 2;

interface Share {
  /** The concurrency while few mirrors are busy. */
  readonly full: number;
  readonly set: (concurrency: number) => void;
  active: number;
}

/**
 * Shares the slots for jobs of one kind between the mirrors of a process that have such jobs now. Each active job holds
 * memory: the first runs of twenty mirrors would hold that of twenty. A mirror always has a slot, so none stops.
 *
 * BullMQ has no event for "no active job" that comes each time, so jobs are counted here.
 *
 * ```ts
 * const slots = new SharedConcurrency();
 * const run = slots.share(200, (concurrency) => { worker.concurrency = concurrency; });
 * const worker = new Worker('bc', (job) => run(() => store(job)), { concurrency: 200 });
 * ```
 */
export class SharedConcurrency {
  readonly #busy = new Set<Share>();

  /**
   * @param set sets the concurrency of a worker.
   * @returns runs a job of this worker.
   */
  share(full: number, set: (concurrency: number) => void): <T>(work: () => Promise<T>) => Promise<T> {
    const share: Share = { full, set, active: 0 };
    return async (work) => {
      if (share.active === 0) this.#change(() => this.#busy.add(share));
      share.active += 1;
      try {
        return await work();
      } finally {
        share.active -= 1;
        if (share.active === 0) this.#change(() => this.#busy.delete(share));
      }
    };
  }

  #change(change: () => void): void {
    change();
    const part = Math.min(1, FULL_MIRRORS / this.#busy.size);
    for (const { set, full } of this.#busy) set(Math.ceil(full * part));
  }
}

/** The slots that the mirrors of a process share. */
export interface Slots {
  readonly pages: SharedConcurrency;
  readonly bc: SharedConcurrency;
}

export const newSlots = (): Slots => ({ pages: new SharedConcurrency(), bc: new SharedConcurrency() });
