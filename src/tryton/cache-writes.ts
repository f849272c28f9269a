import type { CacheParts } from './cache.ts';
import type { CacheGuard } from './cache-guard.ts';
import { LocalVersions, OwedBumps } from './written-tags.ts';

/** A write of unknown fate may still be carried out for so long; meanwhile its tags are not served from the cache. */
const HOLD_MS = 60_000;

/** The shortest time that is foreseen for a write. */
const FORESEEN_MS = 120_000;

/** How often bumps that the store did not take are tried again, besides with each cached call. */
const REPEAT_MS = 1000;

/** Tells the store of writes, and remembers what it could not be told. */
export class CacheWrites {
  readonly #guard: CacheGuard;
  readonly #clock: () => number;
  /**
   * A process that dies between a write and its bump leaves the tags to end by themselves, this long after the write
   * began: later than any could be carried out. Until then other processes may still answer from before that write.
   */
  readonly #foreseenMs: number;
  readonly #local = new LocalVersions();
  readonly #owed = new OwedBumps();
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

  /** Whether the store may be asked about these tags: repeats what is owed first. */
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

  /** Other processes read what is stale until the bump is made good, so that does not wait for the next call here. */
  #repeat(): void {
    if (this.#closed || this.#timer !== null) return;
    this.#timer = setTimeout(async () => {
      await this.#settle();
      this.#timer = null;
      if (!this.#owed.empty) this.#repeat();
    }, REPEAT_MS).unref();
  }
}
