import type { CacheGuard } from '../store-guard.ts';
import type { CacheParts } from './entry.ts';

/** Maximum of tags remembered one by one; above it, they are combined into one. */
const LIMIT = 1000;

/** Every read has this tag, so a new version of it invalidates all entries. */
const EVERYTHING = '*';

/**
 * Local tag versions, which also work while the store is down. They count the writes to each tag, so a read never joins
 * a fetch that began before a write was answered.
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

/** Invalidations that the store did not accept. Until it does, nothing is read from it under these tags. */
class PendingInvalidations {
  /** Each tag with the end of its hold, in epoch milliseconds. */
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

  /** Passes all of them to `bump`. They are removed if it succeeds and nothing was added meanwhile. */
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

/**
 * A write with an unknown result may still be carried out for this long. Meanwhile its tags are not served from the
 * cache.
 */
const HOLD_MS = 60_000;

/** The shortest time that is planned for a write. */
const FORESEEN_MS = 120_000;

/** How often failed invalidations are repeated, besides with each cached call. */
const REPEAT_MS = 1000;

/** Invalidates tags in the store, and keeps the invalidations that the store did not accept. */
export class CacheWrites {
  readonly #guard: CacheGuard;
  readonly #clock: () => number;
  /**
   * If a process dies between a write and its invalidation, the tags expire by themselves, this long after the write
   * began. By then the write cannot be carried out any more. Until then other processes may return answers from before
   * the write.
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

  /** Call it before a write, without waiting: it is sent before the write, and matters only after a crash. */
  begin(tags: readonly string[]): void {
    void this.#guard.use('bump', (store) => store.foresee(tags, this.#foreseenMs));
  }

  /** Call it after a write, and wait for it before the caller gets its answer. Never rejects. */
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
   * Until the invalidation succeeds, other processes read stale answers, so it does not wait for the next call here.
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
