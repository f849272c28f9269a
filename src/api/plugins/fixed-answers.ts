import { createHash } from 'node:crypto';
import { posix } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { promisify } from 'node:util';
import { brotliCompress, constants, gzip } from 'node:zlib';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { LRUCache } from 'lru-cache';
import { isKnown } from './etag.ts';

/** The highest level needs ten times as long for a few percent. */
const BROTLI = { params: { [constants.BROTLI_PARAM_QUALITY]: 9 } };
const ENCODERS = {
  br: (content: Buffer) => promisify(brotliCompress)(content, BROTLI),
  gzip: (content: Buffer) => promisify(gzip)(content),
} as const;
type Encoding = keyof typeof ENCODERS;

const IMAGE = /^image\/(?!svg)/;

/** More than there are answers. If the disk ignores case, a file has many paths. */
const MAX_KEPT = 100;

interface Kept {
  readonly body: Buffer;
  readonly encoding: Encoding | null;
  readonly type: string;
  readonly tag: string;
}

/**
 * For a scope whose answers are the same while the process runs, and which anyone may request. The first request of a
 * path makes the answer and compresses it; later ones are answered from memory. Without this, each request for the
 * script of Swagger UI takes 80 ms of CPU. The `ETag` allows 304.
 */
export function keepAnswers(scope: FastifyInstance): void {
  const answers = new LRUCache<string, Promise<Kept>>({ max: MAX_KEPT });
  const fromMemory = new WeakSet<FastifyReply>();
  scope.addHook('onRequest', async (request, reply) => {
    const kept = await answers.get(keyOf(request) ?? '')?.catch(() => undefined);
    if (kept === undefined) return;
    fromMemory.add(reply);
    describe(reply, kept);
    if (!isKnown(request.headers['if-none-match'], kept.tag)) return reply.send(kept.body);
    return reply.removeHeader('content-length').code(304).send();
  });
  scope.addHook('onSend', async (request, reply, payload) => {
    const key = keyOf(request);
    if (key === null || reply.statusCode !== 200 || fromMemory.has(reply)) return payload;
    let kept = answers.get(key);
    if (kept === undefined) {
      kept = keep(payload, String(reply.getHeader('content-type')), encodingOf(request));
      answers.set(key, kept);
      kept.catch(() => answers.delete(key));
    } else if (payload instanceof Readable) payload.destroy();
    const made = await kept;
    describe(reply, made);
    return made.body;
  });
}

/** Null if the answer is not kept. Queries and other spellings of a path would fill the memory. */
function keyOf(request: FastifyRequest): string | null {
  const { method, url } = request;
  const isPlain = method === 'GET' && /^[\w./-]+$/.test(url) && posix.normalize(url) === url;
  return isPlain ? `${url} ${encodingOf(request)}` : null;
}

/** The best encoding of ours that the client accepts. */
function encodingOf({ headers }: FastifyRequest): Encoding | null {
  const given = headers['accept-encoding'];
  const accepted = String(given ?? '')
    .toLowerCase()
    .split(',')
    .filter((part) => !/;\s*q=0(\.0*)?\s*$/.test(part))
    .map((part) => part.split(';', 1)[0]?.trim());
  return (['br', 'gzip'] as const).find((encoding) => accepted.includes(encoding)) ?? null;
}

async function keep(payload: unknown, type: string, wanted: Encoding | null): Promise<Kept> {
  const content =
    payload instanceof Readable ? await buffer(payload) : Buffer.from(payload as string | Buffer);
  const encoding = IMAGE.test(type) ? null : wanted;
  const body = encoding === null ? content : await ENCODERS[encoding](content);
  const tag = `"${createHash('sha1').update(content).digest('base64url')}"`;
  return { body, encoding, type, tag };
}

function describe(reply: FastifyReply, { body, encoding, type, tag }: Kept): void {
  for (const name of ['accept-ranges', 'last-modified']) reply.removeHeader(name);
  reply
    .header('content-type', type)
    .header('content-length', body.length)
    .header('vary', 'accept-encoding')
    .header('etag', `W/${tag}`)
    .header('cache-control', 'no-cache');
  if (encoding !== null) reply.header('content-encoding', encoding);
}
