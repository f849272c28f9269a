import { delay } from '../../src/shared/retry.ts';

/** When the demo ends, and why: asked to stop, or a part of it failed. */
export class Ending {
  readonly #controller = new AbortController();
  readonly #reached = new Promise<never>((_, reject) => {
    this.#controller.signal.addEventListener('abort', () => reject(this.#controller.signal.reason));
  });

  constructor() {
    // Somebody may not be waiting at the moment it comes.
    this.#reached.catch(() => {});
  }

  stop(): void {
    this.#controller.abort(STOPPED);
  }

  fail(error: Error): void {
    this.#controller.abort(error);
  }

  /** The result of `work`, unless the end comes first: then its reason is thrown. */
  before<T>(work: Promise<T>): Promise<T> {
    return Promise.race([this.#reached, work]);
  }

  /** Waits that long, unless the end comes first: then its reason is thrown. */
  async pause(ms: number): Promise<void> {
    await delay(ms, this.#controller.signal);
  }

  /** @throws the reason, once the end has come. */
  check(): void {
    this.#controller.signal.throwIfAborted();
  }
}

const STOPPED = Symbol('stopped');

/** Whether `reason` is a request to stop. */
export function wasAsked(reason: unknown): boolean {
  return reason === STOPPED;
}
