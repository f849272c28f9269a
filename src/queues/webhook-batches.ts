import type { RedisConnection } from './redis.ts';

/** The records that Odoo notified since the previous batch. */
export interface HookBatch {
  readonly bcs: readonly number[];
  readonly lines: readonly number[];
  /** The batch is full: more records changed than it holds. */
  readonly overflows: boolean;
}

/** Maximum of records in one batch; above it, a run by the window is cheaper. */
const MAX_MEMBERS = 1000;

/** An unprocessed batch expires after this time. Incremental runs have fetched its records long before. */
const TTL_SECONDS = 86_400;

const OVERFLOW = 'overflow';

/** Adds to the open batch, and returns its number. */
const TELL = `local full = redis.call('scard', KEYS[2]) >= tonumber(ARGV[2])
local known = redis.call('sismember', KEYS[2], ARGV[1]) == 1
redis.call('sadd', KEYS[2], (full and not known) and ARGV[3] or ARGV[1])
redis.call('expire', KEYS[2], ARGV[4])
return tonumber(redis.call('get', KEYS[1]) or '0')`;

/** Closes a batch if it is open, and returns its members. */
const TAKE = `if (redis.call('get', KEYS[1]) or '0') == ARGV[1] then
  redis.call('incr', KEYS[1])
  if redis.call('exists', KEYS[2]) == 1 then redis.call('rename', KEYS[2], KEYS[3]) end
end
return redis.call('smembers', KEYS[3])`;

/**
 * Buffers webhook notifications in Redis. A batch stays open until its job closes it. Later notifications join the next
 * batch, which has its own job. So no notification is lost, and no clock is involved.
 */
export class WebhookBatchBuffer {
  readonly #redis: RedisConnection;
  readonly #open: string;
  readonly #number: string;
  readonly #taken: string;

  constructor(redis: RedisConnection, prefix: string) {
    this.#redis = redis;
    this.#open = `${prefix}:hooks:open`;
    this.#number = `${prefix}:hooks:batch`;
    this.#taken = `${prefix}:hooks:taken`;
  }

  /** Adds a record that changed. @returns the number of its batch. */
  async add(kind: 'bc' | 'line', odooId: number): Promise<number> {
    const member = `${kind}:${odooId}`;
    const batch = await this.#redis.eval(
      TELL,
      2,
      ...[this.#number, this.#open, member, MAX_MEMBERS, OVERFLOW, TTL_SECONDS],
    );
    return Number(batch);
  }

  /** Closes a batch and returns its content. Repeated calls return the same content until `delete`. */
  async close(batch: number): Promise<HookBatch> {
    const reply = await this.#redis.eval(TAKE, 3, this.#number, this.#open, this.#key(batch), batch);
    const members = Array.isArray(reply) ? reply.map(String) : [];
    const ids = (kind: string) =>
      members.filter((member) => member.startsWith(kind)).map((member) => Number(member.slice(kind.length)));
    return { bcs: ids('bc:'), lines: ids('line:'), overflows: members.includes(OVERFLOW) };
  }

  async delete(batch: number): Promise<void> {
    await this.#redis.unlink(this.#key(batch));
  }

  #key(batch: number): string {
    return `${this.#taken}:${batch}`;
  }
}
