/** Where the demo writes: lines, and where it is a terminal one line that is written over and over. */
export interface Screen {
  line(text: string): void;
  /** How something goes on: rewritten in place on a terminal, a plain line every few seconds elsewhere. */
  status(text: string): void;
}

interface Output {
  readonly isTTY?: boolean;
  write(text: string): unknown;
}

/** Back to the start of the line, and erase it. */
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
