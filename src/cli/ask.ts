import { once } from 'node:events';
import { createInterface } from 'node:readline/promises';
import { Writable } from 'node:stream';
import { PasserelleError } from '../shared/errors.ts';

/**
 * Ctrl-C or the end of the input, in place of an answer. Nothing was written.
 *
 * @fix Run `passerelle up` again and answer, or set the variables in `.env`.
 */
class NotAnsweredError extends PasserelleError {
  readonly code = 'not_answered';
  constructor() {
    super('Nothing was answered, and nothing was written.');
  }
}

/** Asks a person at a terminal. */
export type Ask = (question: string, options?: { readonly hidden?: boolean }) => Promise<string>;

/** @throws NotAnsweredError from the returned function. */
export function askAt(input: NodeJS.ReadableStream, screen: { write(text: string): unknown }): Ask {
  return async (question, { hidden = false } = {}) => {
    const isMuted = { now: false };
    const output = new Writable({
      write: (chunk: Buffer, _encoding, done) => {
        if (!isMuted.now) screen.write(chunk.toString());
        done();
      },
    });
    const lines = createInterface({ input, output, terminal: true, historySize: 0 });
    lines.on('SIGINT', () => lines.close());
    const closed = once(lines, 'close').then(() => null);
    try {
      // Ctrl-D rejects the question, Ctrl-C does not.
      const asked = lines.question(question).catch(() => null);
      // The question is written at once; the typed text comes later.
      isMuted.now = hidden;
      const answer = await Promise.race([asked, closed]);
      if (answer === null) throw new NotAnsweredError();
      return answer;
    } finally {
      if (hidden) screen.write('\n');
      lines.close();
    }
  };
}
