/** The part of a BullMQ worker whose concurrency is set. */
interface Adjustable {
  concurrency: number;
  on(event: 'active' | 'drained', listener: () => void): unknown;
}

/** So many mirrors store BCs at full concurrency. Beyond it, each one gets less. */
const FULL_MIRRORS = 4;

/**
 * Shares the slots for BC jobs between the mirrors of a process that have BCs to store. Each active job holds memory:
 * the first runs of twenty mirrors would hold that of twenty. A mirror always has a slot, so none stops.
 *
 * ```ts
 * const slots = new SharedConcurrency();
 * slots.add(new Worker('bc', store, { concurrency: 200 }));
 * ```
 */
export class SharedConcurrency {
  readonly #busy = new Map<Adjustable, number>();

  /** Sets the concurrency of a worker from now on. Its present one is the maximum. */
  add(worker: Adjustable): void {
    const full = worker.concurrency;
    worker.on('active', () => {
      if (this.#busy.has(worker)) return;
      this.#busy.set(worker, full);
      this.#share();
    });
    worker.on('drained', () => {
      if (this.#busy.delete(worker)) this.#share();
    });
  }

  #share(): void {
    const part = Math.min(1, FULL_MIRRORS / this.#busy.size);
    for (const [worker, full] of this.#busy) worker.concurrency = Math.ceil(full * part);
  }
}
