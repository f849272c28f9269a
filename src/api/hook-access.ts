import { createHash, timingSafeEqual } from 'node:crypto';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { RateLimitedError } from './access-errors.ts';
import type { ApiDeps } from './deps.ts';
import { BadHookSecretError } from './hook-errors.ts';
import { peerOf } from './peer.ts';
import type { Standing } from './rate-limit-store.ts';
import { RateLimitStore } from './rate-limit-store.ts';

/** Of one address, right secret or wrong: more than an Odoo tells one by one, which is all it can. */
const HOOKS_PER_MINUTE = 6000;

const WINDOW_MS = 60_000;

/**
 * Lets in who knows the secret, before the body is read: in the URL's query, since that is all Odoo can be told, or as
 * `Authorization: Bearer`. Requests are counted by address, whatever they bring; without Redis they are not.
 *
 * @throws RateLimitedError, BadHookSecretError
 */
export function hookGuard({ config, cacheRedis }: Pick<ApiDeps, 'config' | 'cacheRedis'>, secret: string) {
  const store = new RateLimitStore(cacheRedis, `${config.queuePrefix}:rate-limit:hooks:`, WINDOW_MS);
  const expected = digest(secret);
  const unknown: Standing = { exceeded: false, remaining: HOOKS_PER_MINUTE, ms: 0 };
  return async (request: FastifyRequest, reply: FastifyReply): Promise<void> => {
    const { exceeded, ms } = await store.count(peerOf(request), HOOKS_PER_MINUTE).catch(() => unknown);
    const seconds = Math.max(1, Math.ceil(ms / 1000));
    if (exceeded) {
      reply.header('retry-after', seconds);
      throw new RateLimitedError('hooks of this address', HOOKS_PER_MINUTE, seconds);
    }
    // Digests are of one length, so that the time taken tells nothing.
    if (!timingSafeEqual(digest(secretOf(request)), expected)) throw new BadHookSecretError();
  };
}

const digest = (text: string): Buffer => createHash('sha256').update(text).digest();

/** The query is not checked yet: it may be anything. */
function secretOf({ headers, query }: FastifyRequest): string {
  const bearer = /^Bearer +(\S+)$/i.exec(headers.authorization?.trim() ?? '')?.[1];
  const { secret } = query as { readonly secret?: unknown };
  return bearer ?? (typeof secret === 'string' ? secret : '');
}
