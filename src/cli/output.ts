import type { Writable } from 'node:stream';
import { errorCode } from '../errors.ts';

/**
 * Lets the reader of a stream leave early, as `| head` does: that is no error, and ends nothing. Call it before anything
 * is written. Returns how to wait until all that was written has arrived, which tells why it did not: null where it did,
 * or where nobody reads it any more.
 */
export function watchOutput(stream: Writable): () => Promise<Error | null> {
  let trouble: Error | null = null;
  stream.on('error', (error) => {
    trouble ??= error;
  });
  return async () => {
    // Told of what was written before, too: a pipe takes 64 KB at once, and the rest when its reader has read them.
    await new Promise<void>((resolve) => stream.write('', () => setImmediate(resolve)));
    return trouble === null || errorCode(trouble) === 'EPIPE' ? null : trouble;
  };
}
