import { waitFor } from './attempts.ts';

/** A number of places, given in the order in which they were asked for. */
export class Slots {
  #free: number;
  readonly #waiting = new Set<() => void>();

  constructor(count: number) {
    this.#free = count;
  }

  /** Waits for a place; to be freed afterwards. Rejects with `late()` after `ms`, and with the signal's reason. */
  async take(ms: number, late: () => Error, signal: AbortSignal | undefined): Promise<void> {
    if (this.#free > 0) {
      this.#free -= 1;
      return;
    }
    let give = () => {};
    const place = new Promise<void>((resolve) => {
      give = resolve;
    });
    this.#waiting.add(give);
    try {
      await waitFor(place, ms, late, signal);
    } catch (error) {
      // It may have been given at the moment of giving up.
      if (!this.#waiting.delete(give)) this.free();
      throw error;
    }
  }

  free(): void {
    const [next] = this.#waiting;
    if (next === undefined) {
      this.#free += 1;
    } else {
      this.#waiting.delete(next);
      next();
    }
  }
}
