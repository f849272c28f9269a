import { randomUUID } from 'node:crypto';
import type { RedisConnection } from './redis.ts';

/** Both scripts change the key only if this holder still has it. */
const RENEW = "return redis.call('get', KEYS[1]) == ARGV[1] and redis.call('pexpire', KEYS[1], ARGV[2]) or 0";
const FREE = "return redis.call('get', KEYS[1]) == ARGV[1] and redis.call('del', KEYS[1]) or 0";

/**
 * Lets one process at a time work, as long as it is alive. The lock is a key that expires, and its holder renews it. A
 * frozen or dead holder loses the lock after `turnMs`; a long task keeps it. Two processes may work at once after Redis
 * lost the key, so the work must be safe to repeat.
 */
export class RedisLock {
  readonly #redis: RedisConnection;
  readonly #key: string;

  constructor(redis: RedisConnection, prefix: string, name: string) {
    this.#redis = redis;
    this.#key = `${prefix}:${name}`;
  }

  /** Does nothing while another process has the lock. */
  async run(turnMs: number, work: () => Promise<void>): Promise<void> {
    const token = randomUUID();
    if ((await this.#redis.set(this.#key, token, 'PX', turnMs, 'NX')) === null) return;
    const renewal = setInterval(() => {
      // A renewal that fails loses the lock at most.
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
