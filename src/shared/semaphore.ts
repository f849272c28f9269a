import { withDeadline } from './timeout.ts';

/**
 * Bounds what this process holds of contents at once: who wants to hold more waits until there is room, first come,
 * first served. What is larger than the whole room gets all of it, alone.
 */
export class ContentRoom {
  readonly #size: number;
  readonly #waiting: { readonly bytes: number; readonly enter: () => void }[] = [];
  #free: number;

  constructor(bytes: number) {
    this.#size = bytes;
    this.#free = bytes;
  }

  /** Does `work` while `bytes` are reserved for it. Nothing reserved never waits. */
  async hold<T>(bytes: number, work: () => Promise<T>): Promise<T> {
    const wanted = Math.min(bytes, this.#size);
    if (wanted === 0) return work();
    await new Promise<void>((enter) => {
      this.#waiting.push({ bytes: wanted, enter });
      this.#admit();
    });
    try {
      return await work();
    } finally {
      this.#free += wanted;
      this.#admit();
    }
  }

  #admit(): void {
    for (
      let next = this.#waiting[0];
      next !== undefined && next.bytes <= this.#free;
      next = this.#waiting[0]
    ) {
      this.#waiting.shift();
      this.#free -= next.bytes;
      next.enter();
    }
  }
}

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
      await withDeadline(place, ms, late, signal);
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

/** Of one process. Each export holds one of its ten connections for as long as its client takes. */
export class ExportPlaces {
  readonly most = 3;
  #taken = 0;

  /** Whether there was one; it is to be given back. */
  take(): boolean {
    if (this.#taken === this.most) return false;
    this.#taken += 1;
    return true;
  }

  giveBack(): void {
    this.#taken -= 1;
  }
}
