/** Tags remembered one by one; beyond, they are taken together. */
const LIMIT = 1000;

/** Every read carries this tag: bumping it makes all entries stale. */
const EVERYTHING = '*';

/**
 * What this process itself knows of writes, also while the store is away: how often each tag was written to, so that
 * a read never joins a fetch that began before a write was answered.
 */
export class LocalVersions {
  readonly #counts = new Map<string, number>();
  #forgotten = 0;

  of(tags: readonly string[]): string {
    return [this.#forgotten, ...tags.map((tag) => this.#counts.get(tag) ?? 0)].join(' ');
  }

  bump(tags: readonly string[]): void {
    for (const tag of tags) this.#counts.set(tag, (this.#counts.get(tag) ?? 0) + 1);
    if (this.#counts.size <= LIMIT) return;
    this.#counts.clear();
    this.#forgotten += 1;
  }
}

/** Bumps that the store did not take. Until it does, nothing is read from it under these tags. */
export class OwedBumps {
  /** Tag to the end of its hold, in epoch milliseconds. */
  readonly #owed = new Map<string, { readonly heldUntil: number }>();

  get empty(): boolean {
    return this.#owed.size === 0;
  }

  covers(tags: readonly string[]): boolean {
    return tags.some((tag) => this.#owed.has(tag));
  }

  add(tags: readonly string[], heldUntil: number): void {
    for (const tag of tags) this.#owe(tag, heldUntil);
    if (this.#owed.size <= LIMIT) return;
    const latest = Math.max(...[...this.#owed.values()].map((bump) => bump.heldUntil));
    this.#owed.clear();
    this.#owe(EVERYTHING, latest);
  }

  /** Hands all of them to `bump`; they are off the list if it says that it worked and nothing was added meanwhile. */
  async settle(bump: (tags: readonly string[], heldUntil: number) => Promise<boolean>): Promise<void> {
    if (this.empty) return;
    const batch = [...this.#owed];
    const latest = Math.max(...batch.map(([, { heldUntil }]) => heldUntil));
    if (
      !(await bump(
        batch.map(([tag]) => tag),
        latest,
      ))
    )
      return;
    for (const [tag, owed] of batch) if (this.#owed.get(tag) === owed) this.#owed.delete(tag);
  }

  #owe(tag: string, heldUntil: number): void {
    this.#owed.set(tag, { heldUntil: Math.max(heldUntil, this.#owed.get(tag)?.heldUntil ?? 0) });
  }
}
