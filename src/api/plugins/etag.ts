import { createHash } from 'node:crypto';
import type { FastifyInstance } from 'fastify';

/**
 * Adds an `ETag` to every successful answer of the GET routes of a scope, and sends 304 if the client has it. The tag
 * is weak: it covers the text before compression, cursors included. Streams have none.
 *
 * `@fastify/etag` would also tag problems, and does not support lists in `If-None-Match`.
 */
export function tagAnswers(scope: FastifyInstance): void {
  scope.addHook('onSend', (request, reply, payload, done) => {
    if (typeof payload !== 'string' || reply.statusCode !== 200 || !READS.has(request.method)) {
      done(null, payload);
      return;
    }
    const tag = `"${createHash('sha1').update(payload).digest('base64url')}"`;
    reply.header('etag', `W/${tag}`).header('cache-control', 'private, no-cache');
    const known = isKnown(request.headers['if-none-match'], tag);
    if (known) reply.code(304);
    done(null, known ? '' : payload);
  });
}

const READS: ReadonlySet<string> = new Set(['GET', 'HEAD']);

/** Whether the client has the answer with this tag. */
export function isKnown(ifNoneMatch: string | undefined, tag: string): boolean {
  if (ifNoneMatch === undefined) return false;
  const known = ifNoneMatch.split(',').map((one) => one.trim().replace(/^W\//, ''));
  return known.includes(tag) || known.includes('*');
}
