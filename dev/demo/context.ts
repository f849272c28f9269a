import { delay } from '../../src/shared/retry.ts';

/** The context of every step of the demo and of the benchmarks. */
export interface Context {
  readonly ending: Ending;
  readonly screen: Screen;
  /** Undoes the last started step; the last is undone first. */
  readonly defer: (release: () => Promise<unknown> | unknown) => void;
}

/** Waits for `work` with a limit, because its server may be gone. */
export async function atMost(ms: number, work: Promise<unknown> | undefined): Promise<void> {
  await Promise.race([work, delay(ms)]);
}

/** When the demo ends, and why: on request, or because a part failed. */
export class Ending {
  readonly #controller = new AbortController();
  readonly #reached = new Promise<never>((_, reject) => {
    this.#controller.signal.addEventListener('abort', () => reject(this.#controller.signal.reason));
  });

  constructor() {
    // The end may come while nothing waits for it.
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

  /** @throws the reason, after the end has come. */
  check(): void {
    this.#controller.signal.throwIfAborted();
  }
}

const STOPPED = Symbol('stopped');

/** Whether `reason` is a request to stop. */
export function wasAsked(reason: unknown): boolean {
  return reason === STOPPED;
}

/** The output of the demo: lines, and on a terminal one line that is rewritten. */
export interface Screen {
  line(text: string): void;
  /** Shows progress: rewritten in place on a terminal, otherwise a line every few seconds. */
  status(text: string): void;
}

interface Output {
  readonly isTTY?: boolean;
  write(text: string): unknown;
}

/** Moves to the start of the line and erases it. */
const REWRITE = '\r\u001b[K';
const PLAIN_EVERY_MS = 3000;

export function createScreen(output: Output, now: () => number = Date.now): Screen {
  let status = '';
  let next = 0;
  return {
    line: (text) => {
      output.write(`${status === '' ? '' : REWRITE}${text}\n`);
      status = '';
    },
    status: (text) => {
      if (output.isTTY === true) {
        if (text !== status) output.write(REWRITE + text);
        status = text;
      } else if (now() >= next) {
        output.write(`${text}\n`);
        next = now() + PLAIN_EVERY_MS;
      }
    },
  };
}

const BAR_WIDTH = 24;
/** A rate over a shorter time is mostly chance. */
const LEAST_SECONDS = 1;

export const count = (value: number): string => value.toLocaleString('en');

/** `[######------] 2,500 / 5,000 BC, 500/s, 5 s left`; `seconds` since the first BC was begun. */
export function progressLine(done: number, planned: number, seconds: number): string {
  const full = planned === 0 ? BAR_WIDTH : Math.floor((done / planned) * BAR_WIDTH);
  const bar = '#'.repeat(full) + '-'.repeat(BAR_WIDTH - full);
  const parts = [`[${bar}] ${count(done)} / ${count(planned)} BC`];
  if (seconds >= LEAST_SECONDS && done > 0) {
    const rate = done / seconds;
    parts.push(`${count(Math.round(rate))}/s`, `${count(Math.ceil((planned - done) / rate))} s left`);
  }
  return parts.join(', ');
}
