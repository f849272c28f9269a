import { errorMessage } from '../shared/errors.ts';
import { delay } from '../shared/retry.ts';
import { withTimeout } from '../shared/timeout.ts';
import type { CacheStore, ReleaseLogin, SessionStore, TrytonLogger } from './types.ts';

/** Limit of one operation. A store may have shorter limits of its own. */
const LIMIT_MS = 2000;

/** Waits for a store that may not answer. Rejects after two seconds; the operation continues. */
function withinLimit<T>(asked: Promise<T>): Promise<T> {
  return withTimeout(asked, LIMIT_MS, () => new Error(`no answer within ${LIMIT_MS} ms`), undefined);
}

/** A refusal by Redis, for example out of memory. It took no time, so no pause is needed. */
export function isReply(error: unknown): boolean {
  return error instanceof Error && error.name === 'ReplyError';
}

/** Redis quotes the arguments of an unknown command. They may be confidential. */
function storeReason(error: unknown): string {
  return errorMessage(error).replace(/,? with args .*/s, '');
}

/** Pause after a store did not answer: at most one wait in this time, not one for each call. */
const REST_MS = 1000;

/**
 * A full store accepts an answer as soon as another one expires, and refuses the next. So the outage ends, in the log
 * too, when an answer is stored and none was refused for this time.
 */
const CALM_MS = 60_000;

/** Log messages for the beginning and the end of an outage. */
interface OutageTexts {
  readonly failing: string;
  readonly recovered: string;
}

/**
 * Limits each operation on a store, and logs each outage once. An outage that began without an answer ends with the
 * next success. After a refusal, the refused operation itself must succeed.
 */
class StoreGuard<Store extends CacheStore | SessionStore, Operation extends string> {
  readonly #store: Store;
  #isPrepared = false;
  readonly #log: TrytonLogger;
  readonly #texts: OutageTexts;
  readonly #failing = new Set<Operation | 'any'>();

  constructor(store: Store, log: TrytonLogger, texts: OutageTexts) {
    this.#store = store;
    this.#log = log;
    this.#texts = texts;
  }

  protected get isFailing(): boolean {
    return this.#failing.size > 0;
  }

  protected async ask<T>(work: (store: Store) => Promise<T>): Promise<T> {
    if (!this.#isPrepared) {
      await this.#store.prepare?.();
      this.#isPrepared = true;
    }
    return withinLimit(work(this.#store));
  }

  protected succeeded(...ended: Operation[]): void {
    if (!this.isFailing) return;
    for (const operation of ['any', ...ended] as const) this.#failing.delete(operation);
    if (!this.isFailing) this.#log.info({}, this.#texts.recovered);
  }

  protected failed(operation: Operation, error: unknown): void {
    if (!this.isFailing) this.#log.warn({ reason: storeReason(error) }, this.#texts.failing);
    this.#failing.add(isReply(error) ? operation : 'any');
  }
}

type CacheOperation = 'read' | 'write' | 'bump';

/**
 * The guard of the cache. A failure means "not available". After one, the store is not used for a while; then a single
 * call tries it while the others continue without it.
 */
export class CacheGuard extends StoreGuard<CacheStore, CacheOperation> {
  readonly #clock: () => number;
  /** Epoch milliseconds; null: the store answers. */
  #restUntil: number | null = null;
  #trying = false;
  /** Epoch milliseconds of the last answer that the store refused. */
  #refusedAt = 0;
  /** The number of successful operations so far. */
  #answers = 0;

  constructor(store: CacheStore, clock: () => number, log: TrytonLogger) {
    super(store, log, {
      failing: 'the Tryton cache fails; calls go on without it',
      recovered: 'the Tryton cache works again',
    });
    this.#clock = clock;
  }

  /** The value, or null if the store did not return it. Never rejects. */
  async use<T>(
    operation: CacheOperation,
    work: (store: CacheStore) => Promise<T>,
  ): Promise<{ value: T } | null> {
    const probe = this.#restUntil !== null;
    if (this.#restUntil !== null && (this.#trying || this.#clock() < this.#restUntil)) return null;
    if (probe) this.#trying = true;
    const before = this.#answers;
    try {
      const value = await this.ask(work);
      this.#answers += 1;
      this.#restUntil = null;
      const isCalm = operation !== 'write' || this.#clock() - this.#refusedAt >= CALM_MS;
      this.succeeded(...(isCalm ? [operation] : []));
      return { value };
    } catch (error) {
      // If other operations succeeded meanwhile, this process was too busy to read the answer in time.
      if (isReply(error) || this.#answers === before) this.#rest(operation, error);
      return null;
    } finally {
      if (probe) this.#trying = false;
    }
  }

  #rest(operation: CacheOperation, error: unknown): void {
    const answered = isReply(error);
    this.#restUntil = answered ? null : this.#clock() + REST_MS;
    if (answered && operation === 'write') this.#refusedAt = this.#clock();
    this.failed(operation, error);
  }
}

/** A login costs more than a second attempt: the store may be connecting, or this process may have been busy. */
const RETRY_DELAY_MS = 100;

/** The store failed. The failure is already logged. */
export class StoreFailure extends Error {
  override readonly name = 'StoreFailure';
}

type SessionOperation = 'read' | 'claim' | 'write' | 'release';

/** The guard of the shared sessions: a failure is a StoreFailure, after a second attempt. */
export class SessionGuard extends StoreGuard<SessionStore, SessionOperation> {
  constructor(store: SessionStore, log: TrytonLogger) {
    super(store, log, {
      failing: 'the Tryton session cannot be shared; this process uses its own',
      recovered: 'the Tryton session is shared again',
    });
  }

  /** Throws StoreFailure. */
  async use<T>(operation: SessionOperation, work: (store: SessionStore) => Promise<T>): Promise<T> {
    try {
      const value = await this.ask(work).catch((error: unknown) => this.#retry(error, work));
      this.succeeded(operation);
      return value;
    } catch (error) {
      this.failed(operation, error);
      throw new StoreFailure('the session store failed', { cause: error });
    }
  }

  /** The right to sign in; null while another process has it. Throws StoreFailure. */
  claim(): Promise<ReleaseLogin | null> {
    return this.use('claim', async (store) => {
      const claim = store.claimLogin();
      return withinLimit(claim).catch((error: unknown) => {
        // The claim may still succeed after its caller stopped waiting.
        claim.then((release) => release?.()).catch(() => {});
        throw error;
      });
    });
  }

  /** For operations that may fail: null after a failure. */
  async attempt<T>(
    operation: SessionOperation,
    work: (store: SessionStore) => Promise<T>,
  ): Promise<T | null> {
    return this.use(operation, work).catch(() => null);
  }

  async #retry<T>(error: unknown, work: (store: SessionStore) => Promise<T>): Promise<T> {
    if (this.isFailing || isReply(error)) throw error;
    await delay(RETRY_DELAY_MS);
    return this.ask(work);
  }
}
