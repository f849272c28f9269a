import { isIP } from 'node:net';
import { normalizeIP } from '@fastify/rate-limit';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { LRUCache } from 'lru-cache';
import type { RedisConnection } from '../../queues/redis.ts';
import type { ApiContext } from '../context.ts';
import { RateLimitedError } from '../errors.ts';

/** Who closed the connection before anybody asked: all of them are one address. */
const GONE = 'gone';

/**
 * The address that a request is counted by: of IPv6 the network, since whoever has one has all of it. Some proxies forward
 * it with its port, which is another one for each connection.
 */
export function clientIp({ ip }: Pick<FastifyRequest, 'ip'>): string {
  // Fastify's type knows only of those that are still there.
  const address: string | undefined = ip;
  return address === undefined ? GONE : normalizeIP(isIP(address) === 0 ? withoutPort(address) : address);
}

const withoutPort = (text: string): string =>
  /^\[(.+)\](?::\d+)?$|^([^:]+):\d+$/.exec(text)?.slice(1).join('') ?? text;

/** One part in so many of what is left of a limit is taken at a time; while less than this is left, one by one. */
const PARTS = 100;

/** Counters remembered at once. One that is forgotten costs what was left of its portion. */
const MAX_KEPT = 10_000;

/** Takes a portion of what the window has left; the first one begins the window. */
const TAKE = `local used = tonumber(redis.call('get', KEYS[1]) or '0')
local left = math.max(0, tonumber(ARGV[1]) - used)
local taken = math.min(left, math.max(1, math.floor(left / tonumber(ARGV[2]))))
if taken > 0 then redis.call('incrby', KEYS[1], taken) end
if redis.call('pttl', KEYS[1]) < 0 then redis.call('pexpire', KEYS[1], ARGV[3]) end
return {left, taken, redis.call('pttl', KEYS[1])}`;

/** What this process may let through without asking again. */
interface Portion {
  /** Of the whole window, when it was taken. */
  readonly left: number;
  readonly taken: number;
  spent: number;
  /** By `performance.now()`: the end of the window. */
  readonly until: number;
}

/** How a limit stands after a request was counted. */
export interface Standing {
  readonly exceeded: boolean;
  readonly remaining: number;
  /** To the end of the window. */
  readonly ms: number;
}

/**
 * Counts in Redis, for all processes together, without a round trip for each request: a process takes a portion, a
 * hundredth of what is left, and spends it by itself. Never more than the limit is let through; with several processes
 * it may be fewer by what lies unspent in the others, at most a hundredth of the limit in each.
 */
export class RateLimitStore {
  readonly #redis: RedisConnection;
  readonly #space: string;
  readonly #windowMs: number;
  readonly #portions = new LRUCache<string, Portion>({ max: MAX_KEPT });
  readonly #takes = new Map<string, Promise<void>>();

  /** @param space what the names of its Redis keys begin with. */
  constructor(redis: RedisConnection, space: string, windowMs: number) {
    this.#redis = redis;
    this.#space = space;
    this.#windowMs = windowMs;
  }

  /** Counts one request. Rejects with what Redis rejects with. */
  async count(key: string, max: number): Promise<Standing> {
    for (;;) {
      const portion = this.#portionOf(key);
      if (portion !== null) return spend(portion);
      await this.#take(key, max);
    }
  }

  /** Null where Redis has to be asked. An empty portion is a refusal, which holds until the window ends. */
  #portionOf(key: string): Portion | null {
    const portion = this.#portions.get(key);
    if (portion === undefined || performance.now() >= portion.until) return null;
    return portion.spent < portion.taken || portion.taken === 0 ? portion : null;
  }

  /** Requests that come meanwhile wait for the same portion. */
  #take(key: string, max: number): Promise<void> {
    const taking = this.#takes.get(key) ?? this.#taken(key, max).finally(() => this.#takes.delete(key));
    this.#takes.set(key, taking);
    return taking;
  }

  async #taken(key: string, max: number): Promise<void> {
    const reply = await this.#redis.eval(TAKE, 1, this.#space + key, max, PARTS, this.#windowMs);
    const [left = 0, taken = 0, ms = 0] = Array.isArray(reply) ? reply.map(Number) : [];
    this.#portions.set(key, { left, taken, spent: 0, until: performance.now() + ms });
  }
}

function spend(portion: Portion): Standing {
  const { left, taken, until } = portion;
  const ms = Math.max(0, until - performance.now());
  if (taken === 0) return { exceeded: true, remaining: 0, ms };
  portion.spent += 1;
  return { exceeded: false, remaining: left - portion.spent, ms };
}

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
export function createLimit({ config, cacheRedis }: Pick<ApiContext, 'config' | 'cacheRedis'>): Limit {
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
    const name = apiKey === null ? `peer:${clientIp(request)}` : `key:${apiKey.id}`;
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
