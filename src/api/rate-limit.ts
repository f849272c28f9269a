import type { FastifyReply, FastifyRequest } from 'fastify';
import { RateLimitedError } from './access-errors.ts';
import type { ApiDeps } from './deps.ts';
import { peerOf } from './peer.ts';
import type { Standing } from './rate-limit-store.ts';
import { RateLimitStore } from './rate-limit-store.ts';

/**
 * Of one address, for requests that show no key this process has found good: enough for mistakes, too few to guess.
 * Callers behind one proxy are one address: while one of them guesses, the others need a key that was good before.
 */
const GUESSES_PER_MINUTE = 300;

const WINDOW_MS = 60_000;

const LIMIT = 'ratelimit-limit';
const REMAINING = 'ratelimit-remaining';
const RESET = 'ratelimit-reset';

type Limit = (request: FastifyRequest, reply: FastifyReply) => Promise<void>;

/**
 * Counts requests in Redis, for all processes together: by key once the request has one, else by the peer's address.
 * Says how it stands in `RateLimit-Limit`, `-Remaining` and `-Reset` (seconds). Without Redis nothing is refused.
 */
export function createLimit({ config, cacheRedis }: Pick<ApiDeps, 'config' | 'cacheRedis'>): Limit {
  const perKey = config.http.rateLimit;
  const store = new RateLimitStore(cacheRedis, `${config.queuePrefix}:rate-limit:`, WINDOW_MS);
  /** @throws RateLimitedError */
  return async (request, reply) => {
    const { apiKey } = request;
    const max = apiKey === null ? GUESSES_PER_MINUTE : perKey;
    if (max === null) {
      // What was said of the address does not hold for the key.
      for (const name of [LIMIT, REMAINING, RESET]) reply.removeHeader(name);
      return;
    }
    const name = apiKey === null ? `peer:${peerOf(request)}` : `key:${apiKey.id}`;
    const unknown: Standing = { exceeded: false, remaining: max, ms: 0 };
    const { exceeded, remaining, ms } = await store.count(name, max).catch(() => unknown);
    const seconds = Math.ceil(ms / 1000);
    reply.header(LIMIT, max).header(REMAINING, remaining).header(RESET, seconds);
    if (!exceeded) return;
    const wait = Math.max(1, seconds);
    reply.header('retry-after', wait);
    const whose = apiKey === null ? 'this address without a valid key' : 'this key';
    throw new RateLimitedError(whose, max, wait);
  };
}
