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
