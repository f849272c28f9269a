import { createHash } from 'node:crypto';
import type { FastifyInstance } from 'fastify';

/**
 * Gives every good answer of a scope's GET routes an `ETag`, and sends 304 without a body to who has it already. Weak:
 * it is of the text, however that is compressed. Streams have none.
 *
 * `@fastify/etag` would also tag problems, and knows no list in `If-None-Match`.
 */
export function tagAnswers(scope: FastifyInstance): void {
  scope.addHook('onSend', (request, reply, payload, done) => {
    if (typeof payload !== 'string' || reply.statusCode !== 200 || !READS.has(request.method)) {
      done(null, payload);
      return;
    }
    const tag = `"${digest(payload)}"`;
    reply.header('etag', `W/${tag}`).header('cache-control', 'private, no-cache');
    const known = isKnown(request.headers['if-none-match'], tag);
    if (known) reply.code(304);
    done(null, known ? '' : payload);
  });
}

const READS: ReadonlySet<string> = new Set(['GET', 'HEAD']);

const CURSOR = '"nextCursor":"';

/**
 * Of all but the cursor. It tells of the moment too, at which the first page was read: with another one, what follows
 * the same items is the same. PostgreSQL writes a blank after the colon of a field's own member of that name.
 */
function digest(payload: string): string {
  const at = payload.lastIndexOf(CURSOR);
  const hash = createHash('sha1');
  if (at < 0) return hash.update(payload).digest('base64url');
  const begin = at + CURSOR.length;
  const end = payload.indexOf('"', begin);
  return hash.update(payload.slice(0, begin)).update(payload.slice(end)).digest('base64url');
}

function isKnown(ifNoneMatch: string | undefined, tag: string): boolean {
  if (ifNoneMatch === undefined) return false;
  const known = ifNoneMatch.split(',').map((one) => one.trim().replace(/^W\//, ''));
  return known.includes(tag) || known.includes('*');
}
