import type { FastifyReply } from 'fastify';
import { ClientGoneError } from './errors.ts';

/** Aborted, with a ClientGoneError, when the connection closes before the answer has been sent. */
export function whileClientWaits({ raw }: FastifyReply): AbortSignal {
  const gone = new AbortController();
  raw.once('close', () => {
    if (!raw.writableFinished) gone.abort(new ClientGoneError());
  });
  return gone.signal;
}
