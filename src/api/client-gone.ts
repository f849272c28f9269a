import type { FastifyReply } from 'fastify';
import { ClientGoneError } from './errors.ts';

/**
 * Aborted, with a ClientGoneError, when the connection closes before the answer has been sent, or has closed already.
 * Made when it is first asked for: an answer that is there at once needs none.
 */
export function whileClientWaits({ raw, request: { socket } }: FastifyReply): () => AbortSignal {
  let gone: AbortController | null = null;
  return () => {
    if (gone !== null) return gone.signal;
    const made = new AbortController();
    const check = () => {
      socket.off('close', check);
      if (!raw.writableFinished) made.abort(new ClientGoneError());
    };
    if (raw.destroyed || socket.destroyed) check();
    else {
      raw.once('close', check);
      // An answer that waits behind others of its connection never closes; as many of them as there are listen here.
      socket.setMaxListeners(0).once('close', check);
    }
    gone = made;
    return made.signal;
  };
}
