import type { Session } from './types.ts';

/** So many refused sessions are known by their keys, not to be taken from the store again. */
const REMEMBERED = 16;

/** One may have been deleted before its first use; of two in a row something on the way makes nothing. */
const MOST_IN_VAIN = 2;

/** What this process knows of sessions that are over. */
export class RefusedSessions {
  readonly #keys = new Set<string>();
  /** Of the session that was made here last, until the server takes or refuses it. */
  #untried: string | null = null;
  /** Sessions made here in a row that the server never took. */
  #inVain = 0;

  has({ key }: Session): boolean {
    return this.#keys.has(key);
  }

  made({ key }: Session): void {
    this.#untried = key;
  }

  accepted({ key }: Session): void {
    this.#inVain = 0;
    if (this.#untried === key) this.#untried = null;
  }

  /** True once where it tells that another login would be in vain too. */
  refused(session: Session): boolean {
    const unused = this.#untried === session.key;
    this.add(session);
    if (unused) this.#inVain += 1;
    return unused && this.#inVain >= MOST_IN_VAIN;
  }

  /** It is over, and nobody is to blame. */
  add({ key }: Session): void {
    if (this.#untried === key) this.#untried = null;
    this.#keys.add(key);
    for (const oldest of this.#keys) {
      if (this.#keys.size <= REMEMBERED) break;
      this.#keys.delete(oldest);
    }
  }
}
