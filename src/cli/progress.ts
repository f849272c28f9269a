import type { Io } from './io.ts';
import { count } from './text.ts';

/** Moves to the start of the line and erases it. */
const REWRITE = '\r\u001b[K';

/** A line that is rewritten in place. Silent if standard error is not a terminal. */
export function createProgress({ stderr }: Io) {
  let last = '';
  const show = (text: string) => {
    if (text === last || stderr.isTTY !== true) return;
    stderr.write(REWRITE + text);
    last = text;
  };
  return { show, clear: () => show('') };
}

/** A line that stays above the progress. For terminals only, because scripts do not need it. */
export function note({ stderr }: Io, text: string): void {
  if (stderr.isTTY === true) stderr.write(`${REWRITE}${text}\n`);
}

/** Items per second since the first call. */
export function createRate(now: () => number = Date.now): (done: number) => string {
  let first: { at: number; done: number } | undefined;
  return (done) => {
    first ??= { at: now(), done };
    const seconds = (now() - first.at) / 1000;
    return seconds < 1 ? '' : `${count(Math.round((done - first.done) / seconds))}/s`;
  };
}

/** Shows a text on a terminal until `work` ends. */
export async function whileBusy<T>(io: Io, text: string, work: Promise<T>): Promise<T> {
  const line = createProgress(io);
  line.show(text);
  return work.finally(line.clear);
}
