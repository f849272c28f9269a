import { randomUUID } from 'node:crypto';
import type { RedisConnection } from './redis.ts';

/** Both change the key only while it is this holder's. */
const RENEW = "return redis.call('get', KEYS[1]) == ARGV[1] and redis.call('pexpire', KEYS[1], ARGV[2]) or 0";
const FREE = "return redis.call('get', KEYS[1]) == ARGV[1] and redis.call('del', KEYS[1]) or 0";

/**
 * One process at a time works, as long as it shows that it is alive: a key that expires, and that its holder renews. A
 * holder that is frozen or dead loses its turn after `turnMs`; one that works for long keeps it. Two may work at once
 * after Redis lost the key, so the work must be safe to repeat.
 */
export class RedisLock {
  readonly #redis: RedisConnection;
  readonly #key: string;

  constructor(redis: RedisConnection, prefix: string, name: string) {
    this.#redis = redis;
    this.#key = `${prefix}:${name}`;
  }

  /** Does nothing while another process has the turn. */
  async run(turnMs: number, work: () => Promise<void>): Promise<void> {
    const token = randomUUID();
    if ((await this.#redis.set(this.#key, token, 'PX', turnMs, 'NX')) === null) return;
    const renewal = setInterval(() => {
      // A renewal that fails costs the turn at most.
      this.#redis.eval(RENEW, 1, this.#key, token, turnMs).catch(() => undefined);
    }, turnMs / 3);
    try {
      await work();
    } finally {
      clearInterval(renewal);
      await this.#redis.eval(FREE, 1, this.#key, token);
    }
  }
}
