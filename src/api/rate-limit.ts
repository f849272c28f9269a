import rateLimit, { normalizeIP } from '@fastify/rate-limit';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { RateLimitedError } from './access-errors.ts';
import type { ApiDeps } from './deps.ts';
import { PortionStore } from './rate-limit-store.ts';

/**
 * Of one address, for requests that show no key this process has found good: enough for mistakes, too few to guess.
 * Callers behind one proxy are one address: while one of them guesses, the others need a key that was good before.
 */
const GUESSES_PER_MINUTE = 300;

const LIMIT = 'ratelimit-limit';
const REMAINING = 'ratelimit-remaining';
const RESET = 'ratelimit-reset';

type Limit = (request: FastifyRequest, reply: FastifyReply) => Promise<void>;

/**
 * Counts requests in Redis, for all processes together: by key once the request has one, else by the peer's address.
 * Says how it stands in `RateLimit-Limit`, `-Remaining` and `-Reset` (seconds). Without Redis nothing is refused.
 */
export async function createLimit(
  api: FastifyInstance,
  { config, cacheRedis }: Pick<ApiDeps, 'config' | 'cacheRedis'>,
): Promise<Limit> {
  const perKey = config.http.rateLimit;
  class Store extends PortionStore {
    constructor() {
      super(cacheRedis, `${config.queuePrefix}:rate-limit:`);
    }
  }
  await api.register(rateLimit, {
    global: false,
    store: Store,
    skipOnError: true,
    timeWindow: 60_000,
    keyGenerator: ({ apiKey, ip }) => (apiKey === null ? `peer:${normalizeIP(ip)}` : `key:${apiKey.id}`),
    max: ({ apiKey }) => (apiKey === null ? GUESSES_PER_MINUTE : (perKey ?? Number.POSITIVE_INFINITY)),
  });
  const count = api.createRateLimit();
  /** @throws RateLimitedError */
  return async (request, reply) => {
    const { apiKey } = request;
    if (apiKey !== null && perKey === null) {
      // What was said of the address does not hold for the key.
      for (const name of [LIMIT, REMAINING, RESET]) reply.removeHeader(name);
      return;
    }
    const state = await count(request);
    if (state.isAllowed) return;
    const { max, remaining, ttlInSeconds, isExceeded } = state;
    reply.headers({ [LIMIT]: max, [REMAINING]: remaining, [RESET]: ttlInSeconds });
    if (!isExceeded) return;
    const seconds = Math.max(1, ttlInSeconds);
    reply.header('retry-after', seconds);
    const whose = apiKey === null ? 'this address without a valid key' : 'this key';
    throw new RateLimitedError(whose, max, seconds);
  };
}
