interface Parts {
  readonly work: () => Promise<unknown>;
  readonly everyMs: number;
  /** Called for the first failure of an outage. The next success ends the outage. */
  readonly failed: (error: unknown) => void;
  readonly recovered?: () => void;
  /** Pause after a run. By default runs start every `everyMs`, or at once after a longer run. */
  readonly restMs?: (tookMs: number) => number;
}

/**
 * Runs `work` periodically, one run at a time, so runs do not accumulate while a server is down.
 *
 *     const task = new PeriodicTask({ work: () => renew(db), everyMs: 5000, failed: (error) => log.warn(...) });
 *     task.start();
 *     await task.stop(); // waits for the run in progress
 *
 * States: stopped, waiting, running. A task may be started again after a stop, also while its last run is still in
 * progress. Its timer does not keep the process alive.
 */
export class PeriodicTask {
  readonly #parts: Parts;
  #running: Promise<void> | null = null;
  #timer: NodeJS.Timeout | undefined;
  #isStarted = false;
  #isFailing = false;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** The first run starts after `everyMs`; call `run` to start one at once. */
  start(): void {
    if (this.#isStarted) return;
    this.#isStarted = true;
    if (this.#running === null) this.#plan(this.#parts.everyMs);
  }

  /** Runs now, or joins the run in progress. Never rejects. */
  run(): Promise<void> {
    this.#running ??= this.#run().finally(() => {
      this.#running = null;
    });
    return this.#running;
  }

  /** Starts no further run, and waits for the one in progress. */
  async stop(): Promise<void> {
    this.#isStarted = false;
    clearTimeout(this.#timer);
    await this.#running;
  }

  /** Reports a failure of background work that a run started. */
  failed(error: unknown): void {
    if (!this.#isFailing) this.#parts.failed(error);
    this.#isFailing = true;
  }

  async #run(): Promise<void> {
    const { work, everyMs, recovered, restMs = (tookMs) => everyMs - tookMs } = this.#parts;
    clearTimeout(this.#timer);
    const start = performance.now();
    try {
      await work();
      if (this.#isFailing) recovered?.();
      this.#isFailing = false;
    } catch (error) {
      this.failed(error);
    }
    if (this.#isStarted) this.#plan(restMs(performance.now() - start));
  }

  #plan(ms: number): void {
    this.#timer = setTimeout(() => void this.run(), Math.max(0, ms)).unref();
  }
}
