/** How items are grouped. */
export interface GroupingOptions<Item, Outcome> {
  /** Maximum of items in one group. */
  readonly size: number;
  /** Maximum of bytes of one group. A larger item gets its own group. */
  readonly bytes: number;
  /** A group that is not full is committed if no item joined it for this long, in milliseconds. */
  readonly waitMs: number;
  /** Maximum of groups that are committed at once. */
  readonly atOnce: number;
  /** Items with the same key never share a group. */
  readonly keyOf: (item: Item) => number;
  /** The outcome of each item, in order. */
  readonly commit: (items: readonly Item[]) => Promise<readonly PromiseSettledResult<Outcome>[]>;
}

interface Waiting<Item, Outcome> {
  readonly item: Item;
  readonly bytes: number;
  readonly resolve: (outcome: Outcome) => void;
  readonly reject: (reason: unknown) => void;
}

/**
 * Collects items that arrive at about the same time, and commits them together. Each caller gets the outcome of its
 * item.
 */
export class Batcher<Item, Outcome> {
  readonly #options: GroupingOptions<Item, Outcome>;
  #waiting: Waiting<Item, Outcome>[] = [];
  #bytes = 0;
  #committing = 0;
  /** No further item arrived in time: the waiting items are committed as soon as a place is free. */
  #isDue = false;
  #timer: NodeJS.Timeout | null = null;

  constructor(options: GroupingOptions<Item, Outcome>) {
    this.#options = options;
  }

  /** @throws the error of committing this item. */
  add(item: Item, bytes: number): Promise<Outcome> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ item, bytes, resolve, reject });
      this.#bytes += bytes;
      this.#timer ??= setTimeout(() => this.#becomeDue(), this.#options.waitMs);
      this.#timer.refresh();
      this.#depart();
    });
  }

  #becomeDue(): void {
    this.#timer = null;
    this.#isDue = true;
    this.#depart();
  }

  #depart(): void {
    const { atOnce, size, bytes } = this.#options;
    const isFull = () => this.#waiting.length >= size || this.#bytes >= bytes;
    while (this.#committing < atOnce && this.#waiting.length > 0 && (this.#isDue || isFull())) {
      const group = this.#take();
      if (this.#waiting.length === 0) this.#isDue = false;
      this.#committing += 1;
      void this.#commit(group).finally(() => {
        this.#committing -= 1;
        this.#depart();
      });
    }
  }

  /** The next group, in order of arrival. The other items keep their order. */
  #take(): Waiting<Item, Outcome>[] {
    const { size, bytes, keyOf } = this.#options;
    const group: Waiting<Item, Outcome>[] = [];
    const left: Waiting<Item, Outcome>[] = [];
    const keys = new Set<number>();
    let room = bytes;
    for (const one of this.#waiting) {
      const key = keyOf(one.item);
      const fits = group.length === 0 || (group.length < size && one.bytes <= room && !keys.has(key));
      (fits ? group : left).push(one);
      if (!fits) continue;
      keys.add(key);
      room -= one.bytes;
      this.#bytes -= one.bytes;
    }
    this.#waiting = left;
    return group;
  }

  async #commit(group: readonly Waiting<Item, Outcome>[]): Promise<void> {
    try {
      const outcomes = await this.#options.commit(group.map(({ item }) => item));
      for (const [index, { resolve, reject }] of group.entries()) {
        const outcome = outcomes[index];
        if (outcome?.status === 'fulfilled') resolve(outcome.value);
        else reject(outcome?.reason);
      }
    } catch (error) {
      for (const { reject } of group) reject(error);
    }
  }
}
