import type { CacheGuard } from '../store-guard.ts';
import type { CacheParts } from './entry.ts';

/** Tags remembered one by one; beyond, they are taken together. */
const LIMIT = 1000;

/** Every read carries this tag: bumping it makes all entries stale. */
const EVERYTHING = '*';

/**
 * Local tag versions, which also work while the store is down: how often each tag was written, so that a
 * read never joins a fetch that began before a write was answered.
 */
class LocalVersions {
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
class PendingInvalidations {
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

/** A write of unknown fate may still be carried out for so long; meanwhile its tags are not served from the cache. */
const HOLD_MS = 60_000;

/** The shortest time that is foreseen for a write. */
const FORESEEN_MS = 120_000;

/** How often bumps that the store did not take are tried again, besides with each cached call. */
const REPEAT_MS = 1000;

/** Invalidates tags in the store, and keeps the invalidations that the store did not accept. */
export class CacheWrites {
  readonly #guard: CacheGuard;
  readonly #clock: () => number;
  /**
   * A process that dies between a write and its bump leaves the tags to end by themselves, this long after the write
   * began: later than any could be carried out. Until then other processes may still answer from before that write.
   */
  readonly #foreseenMs: number;
  readonly #local = new LocalVersions();
  readonly #owed = new PendingInvalidations();
  #settling: Promise<void> | null = null;
  #timer: NodeJS.Timeout | null = null;
  #closed = false;

  constructor(guard: CacheGuard, { clock, deadlineMs }: Pick<CacheParts, 'clock' | 'deadlineMs'>) {
    this.#guard = guard;
    this.#clock = clock;
    this.#foreseenMs = Math.max(FORESEEN_MS, deadlineMs + HOLD_MS);
  }

  /** Changes with each write of this process to one of the tags. */
  versions(tags: readonly string[]): string {
    return this.#local.of(tags);
  }

  /** To be called before a write. Not waited for: it is on its way before the write is, and matters only in a crash. */
  begin(tags: readonly string[]): void {
    void this.#guard.use('bump', (store) => store.foresee(tags, this.#foreseenMs));
  }

  /** To be called after a write and waited for before its caller is answered. Never rejects. */
  async end(tags: readonly string[], unknownFate: boolean): Promise<void> {
    this.#local.bump(tags);
    const heldUntil = unknownFate ? this.#clock() + HOLD_MS : 0;
    if (await this.#bump(tags, heldUntil)) return;
    this.#owed.add(tags, heldUntil);
    this.#repeat();
  }

  /** Whether the store may be used for these tags. Pending invalidations are sent first. */
  async settled(tags: readonly string[]): Promise<boolean> {
    if (!this.#owed.empty) await this.#settle();
    return !this.#owed.covers(tags);
  }

  close(): void {
    this.#closed = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
  }

  async #bump(tags: readonly string[], heldUntil: number): Promise<boolean> {
    const holdMs = Math.max(0, heldUntil - this.#clock());
    return (await this.#guard.use('bump', (store) => store.bump(tags, holdMs))) !== null;
  }

  #settle(): Promise<void> {
    this.#settling ??= this.#owed
      .settle((tags, heldUntil) => this.#bump(tags, heldUntil))
      .finally(() => {
        this.#settling = null;
      });
    return this.#settling;
  }

  /**
   * Until the invalidation succeeds, other processes read stale answers, so it does not wait for the next
   * call here.
   */
  #repeat(): void {
    if (this.#closed || this.#timer !== null) return;
    this.#timer = setTimeout(async () => {
      await this.#settle();
      this.#timer = null;
      if (!this.#owed.empty) this.#repeat();
    }, REPEAT_MS).unref();
  }
}
