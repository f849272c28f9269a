import type { FastifyRateLimitStore } from '@fastify/rate-limit';
import type { Redis } from 'ioredis';

/** One part in so many of what is left of a limit is taken at a time; while less than this is left, one by one. */
const PARTS = 100;

/** Counters remembered at once. One that is forgotten costs what was left of its portion. */
const MOST_KEPT = 10_000;

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

type Counted = Parameters<FastifyRateLimitStore['incr']>[1];

/**
 * Counts in Redis, for all processes together, without a round trip for each request: a process takes a portion, a
 * hundredth of what is left, and spends it by itself. Never more than the limit is let through; with several processes
 * it may be fewer by what lies unspent in the others, less than a hundredth of the limit in each.
 */
export class PortionStore implements FastifyRateLimitStore {
  readonly #redis: Redis;
  readonly #space: string;
  readonly #portions = new Map<string, Portion>();
  readonly #takes = new Map<string, Promise<Portion>>();

  /** @param space what the names of its Redis keys begin with. */
  constructor(redis: Redis, space: string) {
    this.#redis = redis;
    this.#space = space;
  }

  incr(key: string, counted: Counted, windowMs: number, max: number): void {
    const known = this.#portionOf(key);
    if (known !== null) counted(null, spend(known, max));
    else
      this.#count(key, windowMs, max).then(
        (state) => counted(null, state),
        (error: Error) => counted(error),
      );
  }

  /** The limits of single routes, which no route has. */
  child(): PortionStore {
    return this;
  }

  async #count(key: string, windowMs: number, max: number) {
    for (;;) {
      const known = this.#portionOf(key);
      if (known !== null) return spend(known, max);
      await this.#take(key, windowMs, max);
    }
  }

  /** Null where Redis has to be asked. An empty portion is a refusal, which holds until the window ends. */
  #portionOf(key: string): Portion | null {
    const portion = this.#portions.get(key);
    if (portion === undefined || performance.now() >= portion.until) return null;
    return portion.spent < portion.taken || portion.taken === 0 ? portion : null;
  }

  /** Requests that come meanwhile wait for the same portion. */
  #take(key: string, windowMs: number, max: number): Promise<Portion> {
    const taking =
      this.#takes.get(key) ?? this.#taken(key, windowMs, max).finally(() => this.#takes.delete(key));
    this.#takes.set(key, taking);
    return taking;
  }

  async #taken(key: string, windowMs: number, max: number): Promise<Portion> {
    const reply = await this.#redis.eval(TAKE, 1, this.#space + key, max, PARTS, windowMs);
    const [left = 0, taken = 0, ms = 0] = Array.isArray(reply) ? reply.map(Number) : [];
    const portion = { left, taken, spent: 0, until: performance.now() + ms };
    const [oldest] = this.#portions.keys();
    if (this.#portions.size >= MOST_KEPT && oldest !== undefined) this.#portions.delete(oldest);
    this.#portions.delete(key);
    this.#portions.set(key, portion);
    return portion;
  }
}

/** As if each request had been counted by itself. */
function spend(portion: Portion, max: number): { current: number; ttl: number } {
  portion.spent += 1;
  return { current: max - portion.left + portion.spent, ttl: Math.max(0, portion.until - performance.now()) };
}
