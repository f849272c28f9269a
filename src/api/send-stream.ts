import { once } from 'node:events';
import { PassThrough } from 'node:stream';
import type { FastifyReply } from 'fastify';
import { whileClientWaits } from './client-gone.ts';
import { logProblem, toProblem } from './problem.ts';

/** Hands over a piece of the answer; through once there is room for the next one. */
export type Write = (text: string) => Promise<void>;

/**
 * Sends what `produce` writes, as fast as the client takes it; the signal tells that it left, maybe before this began.
 * An error before the first piece is thrown. One that comes later cuts the connection: half an answer must not look
 * like a whole one.
 */
export async function sendStream(
  reply: FastifyReply,
  produce: (write: Write, gone: AbortSignal) => Promise<void>,
): Promise<FastifyReply> {
  const answer = new PassThrough();
  const gone = whileClientWaits(reply)();
  // Fastify listens from `send` on; an error until then must not end the process.
  answer.on('error', () => {});
  await new Promise<void>((begin, fail) => {
    const write: Write = async (text) => {
      begin();
      if (!answer.write(text)) await once(answer, 'drain', { signal: gone });
    };
    produce(write, gone).then(
      () => {
        begin();
        answer.end();
      },
      (error: Error) => {
        // Whatever it was that broke off because nobody waits any more.
        fail(gone.aborted ? gone.reason : error);
        if (reply.sent && !gone.aborted) logProblem(reply.log, error, toProblem(error));
        answer.destroy(error);
      },
    );
  });
  return reply.send(answer);
}
