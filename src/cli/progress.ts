import type { Io } from './io.ts';

/** One line of a terminal, written over and over. Silent where standard error is no terminal. */
export interface Progress {
  show(text: string): void;
  clear(): void;
}

/** Back to the start of the line, and erase it. */
const REWRITE = '\r\u001b[K';

export function createProgress({ stderr }: Io): Progress {
  if (stderr.isTTY !== true) return { show: () => {}, clear: () => {} };
  let last = '';
  const show = (text: string) => {
    if (text === last) return;
    stderr.write(REWRITE + text);
    last = text;
  };
  return { show, clear: () => show('') };
}

/** Things done per second since the first look. */
export function createRate(now: () => number = Date.now): (done: number) => string {
  let first: { at: number; done: number } | undefined;
  return (done) => {
    first ??= { at: now(), done };
    const seconds = (now() - first.at) / 1000;
    return seconds < 1 ? '' : `${Math.round((done - first.done) / seconds).toLocaleString('en')}/s`;
  };
}
