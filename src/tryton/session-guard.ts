import { delay } from '../retry.ts';
import { isReply, storeReason, withinLimit } from './store-errors.ts';
import type { ReleaseLogin, SessionStore, TrytonLogger } from './types.ts';

/** A login is dearer than a second try: the store may just be connecting, or this process may just have been busy. */
const AGAIN_MS = 100;

/** The store did not do what was asked; that is logged already. */
export class StoreFailure extends Error {
  override readonly name = 'StoreFailure';
}

type Purpose = 'read' | 'claim' | 'write' | 'release';

/** Stands between the sessions and their store: bounds each question, and logs an outage once. */
export class SessionGuard {
  readonly #store: SessionStore;
  readonly #log: TrytonLogger;
  /** A silent store is back as soon as anything works; one that said no to something, when it does that again. */
  readonly #failing = new Set<Purpose | 'any'>();

  constructor(store: SessionStore, log: TrytonLogger) {
    this.#store = store;
    this.#log = log;
  }

  /** Throws StoreFailure. */
  async use<T>(purpose: Purpose, work: (store: SessionStore) => Promise<T>): Promise<T> {
    try {
      const value = await this.#asked(work).catch((error: unknown) => this.#again(error, work));
      this.#worked(purpose);
      return value;
    } catch (error) {
      this.#failed(purpose, error);
      throw new StoreFailure('the session store failed', { cause: error });
    }
  }

  /** The right to sign in; null while another process has it. Throws StoreFailure. */
  claim(): Promise<ReleaseLogin | null> {
    return this.use('claim', async (store) => {
      const claim = store.claimLogin();
      return withinLimit(claim).catch((error: unknown) => {
        // It may be given yet, when nobody waits for it any more.
        claim.then((release) => release?.()).catch(() => {});
        throw error;
      });
    });
  }

  /** For what may as well fail. */
  async attempt<T>(purpose: Purpose, work: (store: SessionStore) => Promise<T>): Promise<T | null> {
    return this.use(purpose, work).catch(() => null);
  }

  async #asked<T>(work: (store: SessionStore) => Promise<T>): Promise<T> {
    return withinLimit(work(this.#store));
  }

  async #again<T>(error: unknown, work: (store: SessionStore) => Promise<T>): Promise<T> {
    if (this.#failing.size > 0 || isReply(error)) throw error;
    await delay(AGAIN_MS);
    return this.#asked(work);
  }

  #worked(purpose: Purpose): void {
    const before = this.#failing.size;
    this.#failing.delete('any');
    this.#failing.delete(purpose);
    if (before > 0 && this.#failing.size === 0) this.#log.info({}, 'the Tryton session is shared again');
  }

  #failed(purpose: Purpose, error: unknown): void {
    const first = this.#failing.size === 0;
    this.#failing.add(isReply(error) ? purpose : 'any');
    const reason = storeReason(error);
    if (first) this.#log.warn({ reason }, 'the Tryton session cannot be shared; this process uses its own');
  }
}
