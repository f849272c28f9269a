import type { RedisConnection } from '../queues/connection.ts';
import { TooManyLoginsError } from './admin-errors.ts';
import { peerOf } from './peer.ts';

const MOST_WRONG = 10;
/** From the first wrong login on. */
const WINDOW_MS = 15 * 60_000;
/** Addresses remembered at once by one process. */
const MOST_KEPT = 10_000;

/** Counts one more (ARGV[1] is 1) or none; the first one begins the window. */
const COUNT = `local wrong = tonumber(redis.call('get', KEYS[1]) or '0') + tonumber(ARGV[1])
if ARGV[1] == '1' then redis.call('incr', KEYS[1]) end
if wrong > 0 and redis.call('pttl', KEYS[1]) < 0 then redis.call('pexpire', KEYS[1], ARGV[2]) end
return {wrong, redis.call('pttl', KEYS[1])}`;

interface Standing {
  readonly wrong: number;
  /** To the end of the window. */
  readonly ms: number;
}

/**
 * Wrong logins by address, an IPv6 one by its network: ten in a quarter of an hour, then nobody there is let in until it
 * is over. Counted in Redis for all processes together, and in this process too, which is what holds without Redis. A
 * right login takes nothing back: whoever shares an address with the admin would guess for ever.
 */
export class AdminLogins {
  readonly #redis: RedisConnection;
  readonly #space: string;
  readonly #counts = new Map<string, { wrong: number; readonly until: number }>();

  /** @param space what the names of its Redis keys begin with. */
  constructor(redis: RedisConnection, space: string) {
    this.#redis = redis;
    this.#space = space;
  }

  /**
   * Asked of a right login. Redis takes commands in order: it sees every wrong one that came before.
   *
   * @throws TooManyLoginsError
   */
  async assertMayEnter(ip: string): Promise<void> {
    const { wrong, ms } = await this.#count(ip, 0);
    if (wrong >= MOST_WRONG) throw tooMany(ms);
  }

  /**
   * Counts a wrong login.
   *
   * @throws TooManyLoginsError once there were too many before it.
   */
  async countWrong(ip: string): Promise<void> {
    const { wrong, ms } = await this.#count(ip, 1);
    if (wrong > MOST_WRONG) throw tooMany(ms);
  }

  async #count(ip: string, more: 0 | 1): Promise<Standing> {
    const address = peerOf({ ip });
    const here = this.#countHere(address, more);
    const shared = await this.#countShared(address, more).catch(() => here);
    return shared.wrong > here.wrong ? shared : here;
  }

  #countHere(address: string, more: 0 | 1): Standing {
    const now = performance.now();
    const known = this.#counts.get(address);
    const count = known !== undefined && known.until > now ? known : { wrong: 0, until: now + WINDOW_MS };
    count.wrong += more;
    if (more === 1 && count !== known) this.#keep(address, count);
    return { wrong: count.wrong, ms: count.until - now };
  }

  #keep(address: string, count: { wrong: number; readonly until: number }): void {
    const [oldest] = this.#counts.keys();
    if (this.#counts.size >= MOST_KEPT && oldest !== undefined) this.#counts.delete(oldest);
    this.#counts.delete(address);
    this.#counts.set(address, count);
  }

  async #countShared(address: string, more: 0 | 1): Promise<Standing> {
    const reply = await this.#redis.eval(COUNT, 1, this.#space + address, more, WINDOW_MS);
    const [wrong = 0, ms = 0] = Array.isArray(reply) ? reply.map(Number) : [];
    return { wrong, ms };
  }
}

const tooMany = (ms: number) => new TooManyLoginsError(Math.max(1, Math.ceil(ms / 1000)));
