import { once } from 'node:events';
import { PassThrough } from 'node:stream';
import type { FastifyReply } from 'fastify';
import { withTimeout } from '../shared/timeout.ts';
import { ClientGoneError, StalledClientError } from './errors.ts';
import { logProblem, toProblem } from './problem-details.ts';

/**
 * Sends text that is already JSON, from PostgreSQL or Tryton. The route schema documents it; values are not validated
 * again.
 */
export function sendJson(reply: FastifyReply, json: string): FastifyReply {
  return reply.type('application/json; charset=utf-8').send(json);
}

/** A list, as `pageOf` describes it, with additional members. */
export function pageJson(items: string, nextCursor: string | null, more: object = {}): string {
  const rest = JSON.stringify({ nextCursor, ...more });
  return `{"items":${items},${rest.slice(1)}`;
}

/**
 * A signal that aborts with a ClientGoneError when the connection closes before the answer was sent. It is created on
 * the first call, because a fast answer needs none.
 */
export function whileClientWaits(reply: FastifyReply): () => AbortSignal {
  let gone: AbortController | null = null;
  return () => {
    if (gone !== null) return gone.signal;
    const made = new AbortController();
    whenOver(reply, () => {
      if (!reply.raw.writableFinished) made.abort(new ClientGoneError());
    });
    gone = made;
    return made.signal;
  };
}

/** Calls `done` once: when the answer was sent, or when the connection closed before. */
export function whenOver({ raw, request: { socket } }: FastifyReply, done: () => void): void {
  const over = () => {
    raw.off('close', over);
    socket.off('close', over);
    done();
  };
  if (raw.destroyed || socket.destroyed) over();
  else {
    raw.once('close', over);
    // A queued answer of a pipelined connection does not close itself, and any number may be queued.
    socket.setMaxListeners(0).once('close', over);
  }
}

/** Sends a piece of the answer; resolves when the next one may be sent. */
export type Write = (text: string) => Promise<void>;

/** The client has the whole time for each started megabyte of a piece: 60 s are 17 kB/s. */
const PIECE = 1_000_000;

/**
 * Streams the output of `produce` with backpressure. The signal is aborted if the client leaves, maybe before the
 * start. An error before the first piece is thrown. A later error closes the connection, so that a partial file does
 * not look complete. If the client does not read a piece in time, `write` throws a StalledClientError. A limit for the
 * connection would not do: it starts again with each byte, and ends while PostgreSQL works.
 *
 * @param pieceMs time limit for a piece of up to a megabyte.
 */
export async function sendStream(
  reply: FastifyReply,
  pieceMs: number,
  produce: (write: Write, gone: AbortSignal) => Promise<void>,
): Promise<FastifyReply> {
  const answer = new PassThrough();
  const gone = whileClientWaits(reply)();
  // Fastify listens from `send` on; an error until then must not end the process.
  answer.on('error', () => {});
  await new Promise<void>((begin, fail) => {
    const write: Write = async (text) => {
      begin();
      if (answer.write(text)) return;
      const ms = pieceMs * Math.ceil(text.length / PIECE);
      await withTimeout(once(answer, 'drain', { signal: gone }), ms, () => new StalledClientError(ms));
    };
    produce(write, gone).then(
      () => {
        begin();
        answer.end();
      },
      (error: Error) => {
        // Any error after the client left.
        fail(gone.aborted ? gone.reason : error);
        if (reply.sent && !gone.aborted) logProblem(reply.log, error, toProblem(error));
        answer.destroy(error);
      },
    );
  });
  return reply.send(answer);
}
