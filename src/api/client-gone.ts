import type { FastifyReply } from 'fastify';
import { ClientGoneError } from './errors.ts';

/**
 * Aborted, with a ClientGoneError, when the connection closes before the answer has been sent. Made when it is first
 * asked for: an answer that is there at once needs none.
 */
export function whileClientWaits({ raw }: FastifyReply): () => AbortSignal {
  let gone: AbortController | null = null;
  return () => {
    if (gone !== null) return gone.signal;
    const made = new AbortController();
    const check = () => {
      if (!raw.writableFinished) made.abort(new ClientGoneError());
    };
    if (raw.destroyed) check();
    else raw.once('close', check);
    gone = made;
    return made.signal;
  };
}
