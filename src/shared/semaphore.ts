import { withTimeout } from './timeout.ts';

/** Limits of one wait. */
interface AcquireLimits {
  readonly ms: number;
  /** Makes the error that is thrown after `ms`. */
  readonly late: () => Error;
  readonly signal: AbortSignal | undefined;
}

interface Waiter {
  readonly weight: number;
  readonly enter: () => void;
}

/**
 * A weighted counting semaphore. Waiters enter in the order of arrival: a light one does not overtake a heavy one, so a
 * heavy one never starves. A weight above the capacity takes the whole capacity.
 *
 * ```ts
 * const connections = new Semaphore(10);
 * await connections.run(1, () => fetchPage());
 * ```
 */
export class Semaphore {
  readonly capacity: number;
  readonly #waiting = new Set<Waiter>();
  #free: number;

  constructor(capacity: number) {
    this.capacity = capacity;
    this.#free = capacity;
  }

  /** Runs `work` while it holds `weight`. A weight of 0 never waits. */
  async run<T>(weight: number, work: () => Promise<T>, limits?: AcquireLimits): Promise<T> {
    const release = await this.acquire(weight, limits);
    try {
      return await work();
    } finally {
      release();
    }
  }

  /**
   * @returns the function that gives the weight back; call it once.
   * @throws `limits.late()` after `limits.ms`, or the reason of the signal.
   */
  async acquire(weight: number, limits?: AcquireLimits): Promise<() => void> {
    const held = Math.min(weight, this.capacity);
    const release = this.tryAcquire(held);
    if (release !== null) return release;
    let enter = () => {};
    const entered = new Promise<void>((resolve) => {
      enter = resolve;
    });
    const waiter = { weight: held, enter };
    this.#waiting.add(waiter);
    if (limits === undefined) await entered;
    else {
      try {
        await withTimeout(entered, limits.ms, limits.late, limits.signal);
      } catch (error) {
        // It may have entered at the moment of the timeout.
        if (!this.#waiting.delete(waiter)) this.#release(held);
        else this.#admit();
        throw error;
      }
    }
    return () => this.#release(held);
  }

  /** Null if it would have to wait. */
  tryAcquire(weight: number): (() => void) | null {
    const held = Math.min(weight, this.capacity);
    if (held > 0 && (this.#waiting.size > 0 || held > this.#free)) return null;
    this.#free -= held;
    return () => this.#release(held);
  }

  /** For a resource that is in use already: may exceed the capacity by this one weight. Null if nothing is free. */
  overdraw(weight: number): (() => void) | null {
    if (this.#free <= 0) return null;
    this.#free -= weight;
    return () => this.#release(weight);
  }

  #release(held: number): void {
    this.#free += held;
    this.#admit();
  }

  #admit(): void {
    for (const waiter of this.#waiting) {
      if (waiter.weight > this.#free) return;
      this.#waiting.delete(waiter);
      this.#free -= waiter.weight;
      waiter.enter();
    }
  }
}
