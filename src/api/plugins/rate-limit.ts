import { isIP, isIPv6 } from 'node:net';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { LRUCache } from 'lru-cache';
import type { RedisConnection } from '../../queues/redis.ts';
import type { ApiContext } from '../context.ts';
import { RateLimitedError } from '../errors.ts';

/** Clients that closed the connection before the address was read count as one address. */
const GONE = 'gone';

/**
 * The address by which requests are counted. For IPv6 it is the /64 network, because one client has all its addresses.
 * Some proxies add the port, which differs for each connection; it is removed.
 */
export function clientIp({ ip }: Pick<FastifyRequest, 'ip'>): string {
  // Fastify's type does not include clients that left.
  const given: string | undefined = ip;
  if (given === undefined) return GONE;
  const address = isIP(given) === 0 ? withoutPort(given) : given;
  return isIPv6(address) ? networkOf(address) : address.toLowerCase();
}

const withoutPort = (text: string): string =>
  /^\[(.+)\](?::\d+)?$|^([^:]+):\d+$/.exec(text)?.slice(1).join('') ?? text;

/** `2001:db8:1:2::` of `2001:db8:1:2:3:4:5:6`, and `203.0.113.9` of `::ffff:203.0.113.9`. */
function networkOf(address: string): string {
  const [head = '', tail] = shortest(address.replace(/%.*$/, '')).split('::');
  const [first, last] = [head, tail ?? ''].map((part) => part.split(':').filter((group) => group !== ''));
  const [left = [], right = []] = [first, last];
  const groups = [...left, ...Array<string>(8 - left.length - right.length).fill('0'), ...right];
  if (groups.slice(0, 6).join(':') !== '0:0:0:0:0:ffff') return shortest(`${groups.slice(0, 4).join(':')}::`);
  const bytes = groups
    .slice(6)
    .flatMap((group) => [Number.parseInt(group, 16) >> 8, Number.parseInt(group, 16) & 255]);
  return bytes.join('.');
}

/** The URL parser writes an IPv6 address in its shortest form. */
const shortest = (address: string): string => new URL(`http://[${address}]`).hostname.slice(1, -1);

/** A process takes this fraction of the remaining limit at a time; near the end it takes single requests. */
const PARTS = 100;

/** Maximum of counters in memory. A dropped counter loses the rest of its portion. */
const MAX_KEPT = 10_000;

/** Takes a portion of what the window has left, or none (ARGV[2] is 0); the first portion begins the window. */
const TAKE = `local used = tonumber(redis.call('get', KEYS[1]) or '0')
local left = math.max(0, tonumber(ARGV[1]) - used)
local parts = tonumber(ARGV[2])
local taken = parts > 0 and math.min(left, math.max(1, math.floor(left / parts))) or 0
if taken > 0 then redis.call('incrby', KEYS[1], taken) end
if redis.call('pttl', KEYS[1]) < 0 then redis.call('pexpire', KEYS[1], ARGV[3]) end
return {left, taken, redis.call('pttl', KEYS[1])}`;

interface Taken {
  /** Remaining requests of the window before the portion was taken. */
  readonly left: number;
  readonly taken: number;
  /** To the end of the window. */
  readonly ms: number;
}

interface Portion extends Omit<Taken, 'ms'> {
  spent: number;
  /** By `performance.now()`: the end of the window. */
  readonly until: number;
}

interface Standing {
  readonly exceeded: boolean;
  readonly remaining: number;
  /** To the end of the window. */
  readonly ms: number;
}

/**
 * Counts in Redis for all processes, without a round trip for each request: a process takes a portion, a hundredth of
 * the remaining limit, and uses it locally. It never admits more than the limit. With several processes it may admit
 * less, by the unused portions of the others.
 */
export class RateLimitStore {
  readonly #redis: RedisConnection;
  readonly #space: string;
  readonly #windowMs: number;
  readonly #portions = new LRUCache<string, Portion>({ max: MAX_KEPT });
  readonly #takes = new Map<string, Promise<void>>();

  /** @param space prefix of its Redis keys. */
  constructor(redis: RedisConnection, space: string, windowMs: number) {
    this.#redis = redis;
    this.#space = space;
    this.#windowMs = windowMs;
  }

  /** Counts one request. Without Redis no request is refused. */
  async admit(key: string, max: number): Promise<Standing> {
    return this.count(key, max).catch(() => ({ exceeded: false, remaining: max, ms: 0 }));
  }

  /** Counts one request. Rejects with the error of Redis. */
  async count(key: string, max: number): Promise<Standing> {
    for (;;) {
      const portion = this.#portionOf(key);
      if (portion !== null) return spend(portion);
      await this.#take(key, max);
    }
  }

  /** Null if Redis must be asked. An empty portion is a refusal, which lasts until the window ends. */
  #portionOf(key: string): Portion | null {
    const portion = this.#portions.get(key);
    if (portion === undefined || performance.now() >= portion.until) return null;
    return portion.spent < portion.taken || portion.taken === 0 ? portion : null;
  }

  /** Concurrent requests wait for the same portion. */
  #take(key: string, max: number): Promise<void> {
    const taking = this.#takes.get(key) ?? this.#taken(key, max).finally(() => this.#takes.delete(key));
    this.#takes.set(key, taking);
    return taking;
  }

  async #taken(key: string, max: number): Promise<void> {
    const { left, taken, ms } = await this.take(key, max);
    this.#portions.set(key, { left, taken, spent: 0, until: performance.now() + ms });
  }

  /**
   * One round trip to Redis, in the order of the calls. With a limit below 200 it takes one request at a time.
   *
   * @param parts 0: takes nothing.
   */
  async take(key: string, max: number, parts = PARTS): Promise<Taken> {
    const reply = await this.#redis.eval(TAKE, 1, this.#space + key, max, parts, this.#windowMs);
    const [left = 0, taken = 0, ms = 0] = Array.isArray(reply) ? reply.map(Number) : [];
    return { left, taken, ms };
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
 * Limit of one address for requests without a key that this process has found valid: enough for mistakes, too few for
 * guessing. Clients behind one proxy share an address: while one of them guesses, the others need a key that was valid
 * before.
 */
const GUESSES_PER_MINUTE = 300;

export const MINUTE_MS = 60_000;

const LIMIT = 'ratelimit-limit';
const REMAINING = 'ratelimit-remaining';
const RESET = 'ratelimit-reset';

type Limit = (request: FastifyRequest, reply: FastifyReply) => Promise<void>;

/**
 * Counts requests in Redis for all processes: by key if the request has one, else by address. Sends `RateLimit-Limit`,
 * `-Remaining` and `-Reset` (seconds).
 */
export function createLimit({ config, cacheRedis }: Pick<ApiContext, 'config' | 'cacheRedis'>): Limit {
  const perKey = config.http.rateLimit;
  const store = new RateLimitStore(cacheRedis, `${config.queuePrefix}:rate-limit:`, MINUTE_MS);
  /** @throws RateLimitedError */
  return async (request, reply) => {
    const { apiKey } = request;
    const max = apiKey === null ? GUESSES_PER_MINUTE : perKey;
    if (max === null) {
      // The headers of the address limit do not apply to the key.
      for (const name of [LIMIT, REMAINING, RESET]) reply.removeHeader(name);
      return;
    }
    const standing = await store.admit(
      apiKey === null ? `peer:${clientIp(request)}` : `key:${apiKey.id}`,
      max,
    );
    reply
      .header(LIMIT, max)
      .header(REMAINING, standing.remaining)
      .header(RESET, Math.ceil(standing.ms / 1000));
    const whose = apiKey === null ? 'this address without a valid key' : 'this key';
    assertAdmitted(reply, standing, whose, max);
  };
}

/**
 * Limit of one address for the open routes that are not cheap: /metrics, /docs and /openapi.json. Opening /docs takes
 * eight requests. Clients behind a proxy that is not trusted share an address.
 */
const OPEN_PER_MINUTE = 300;

/**
 * Counts the requests of open routes by address, apart from those to /api.
 *
 * @returns a hook that throws RateLimitedError.
 */
export function limitAddresses({ config, cacheRedis }: Pick<ApiContext, 'config' | 'cacheRedis'>): Limit {
  const store = new RateLimitStore(cacheRedis, `${config.queuePrefix}:rate-limit:open:`, MINUTE_MS);
  return async (request, reply) => {
    const standing = await store.admit(clientIp(request), OPEN_PER_MINUTE);
    assertAdmitted(reply, standing, 'this address', OPEN_PER_MINUTE);
  };
}

/** @throws RateLimitedError, after `Retry-After` was set. */
export function assertAdmitted(
  reply: FastifyReply,
  { exceeded, ms }: Standing,
  whose: ConstructorParameters<typeof RateLimitedError>[0],
  max: number,
): void {
  if (!exceeded) return;
  const seconds = Math.max(1, Math.ceil(ms / 1000));
  reply.header('retry-after', seconds);
  throw new RateLimitedError(whose, max, seconds);
}
