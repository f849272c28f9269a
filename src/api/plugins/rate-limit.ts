import { isIP } from 'node:net';
import { normalizeIP } from '@fastify/rate-limit';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { LRUCache } from 'lru-cache';
import type { RedisConnection } from '../../queues/redis.ts';
import type { ApiContext } from '../context.ts';
import { RateLimitedError } from '../errors.ts';

/** Clients that closed the connection before the address was read count as one address. */
const GONE = 'gone';

/**
 * The address by which requests are counted. For IPv6 it is the network, because one client has all its
 * addresses. Some proxies add the port, which differs for each connection; it is removed.
 */
export function clientIp({ ip }: Pick<FastifyRequest, 'ip'>): string {
  // Fastify's type knows only of those that are still there.
  const address: string | undefined = ip;
  return address === undefined ? GONE : normalizeIP(isIP(address) === 0 ? withoutPort(address) : address);
}

const withoutPort = (text: string): string =>
  /^\[(.+)\](?::\d+)?$|^([^:]+):\d+$/.exec(text)?.slice(1).join('') ?? text;

/** A process takes this fraction of the remaining limit at a time; near the end it takes single requests. */
const PARTS = 100;

/** Maximum of counters in memory. A dropped counter loses the rest of its portion. */
const MAX_KEPT = 10_000;

/** Takes a portion of what the window has left; the first one begins the window. */
const TAKE = `local used = tonumber(redis.call('get', KEYS[1]) or '0')
local left = math.max(0, tonumber(ARGV[1]) - used)
local taken = math.min(left, math.max(1, math.floor(left / tonumber(ARGV[2]))))
if taken > 0 then redis.call('incrby', KEYS[1], taken) end
if redis.call('pttl', KEYS[1]) < 0 then redis.call('pexpire', KEYS[1], ARGV[3]) end
return {left, taken, redis.call('pttl', KEYS[1])}`;

/** The requests that this process may admit before it asks Redis again. */
interface Portion {
  /** Remaining requests of the window when the portion was taken. */
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
 * Counts in Redis for all processes, without a round trip for each request: a process takes a portion, a
 * hundredth of the remaining limit, and uses it locally. It never admits more than the limit. With several
 * processes it may admit less, by the unused portions of the others.
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
 * Limit of one address for requests without a key that this process has found valid: enough for mistakes,
 * too few for guessing. Clients behind one proxy share an address: while one of them guesses, the others
 * need a key that was valid before.
 */
const GUESSES_PER_MINUTE = 300;

const WINDOW_MS = 60_000;

const LIMIT = 'ratelimit-limit';
const REMAINING = 'ratelimit-remaining';
const RESET = 'ratelimit-reset';

type Limit = (request: FastifyRequest, reply: FastifyReply) => Promise<void>;

/**
 * Counts requests in Redis for all processes: by key if the request has one, else by address. Sends
 * `RateLimit-Limit`, `-Remaining` and `-Reset` (seconds). Without Redis no request is refused.
 */
export function createLimit({ config, cacheRedis }: Pick<ApiContext, 'config' | 'cacheRedis'>): Limit {
  const perKey = config.http.rateLimit;
  const store = new RateLimitStore(cacheRedis, `${config.queuePrefix}:rate-limit:`, WINDOW_MS);
  /** @throws RateLimitedError */
  return async (request, reply) => {
    const { apiKey } = request;
    const max = apiKey === null ? GUESSES_PER_MINUTE : perKey;
    if (max === null) {
      // The headers of the address limit do not apply to the key.
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
