import type { RedisConfig } from '../config/index.ts';
import { PasserelleError } from '../shared/errors.ts';
import type { RedisConnection } from './redis.ts';

/**
 * Another installation uses the Redis keys that begin with QUEUE_PREFIX. The process stops, because jobs of both would
 * be mixed.
 *
 * @fix Set another QUEUE_PREFIX, or delete the owner key if that installation no longer exists. See
 * docs/how-to/run/back-up-and-restore.md#the-owner-key.
 */
export class ForeignQueuesError extends PasserelleError {
  readonly code = 'foreign_queues';
  constructor(prefix: string, server: RedisConfig) {
    super(
      `Redis prefix ${prefix} at ${placeOf(server)} belongs to another installation. ` +
        `Set another QUEUE_PREFIX, or delete the key ${ownerKey(prefix)} if that installation no longer exists.`,
    );
  }
}

/** The Redis server. */
export interface PrefixPlace {
  readonly redis: RedisConnection;
  readonly prefix: string;
  /** Shown in the error, without user, password and query. */
  readonly server: RedisConfig;
}

export function ownerKey(prefix: string): string {
  return `${prefix}:owner`;
}

/**
 * Writes the installation into the owner key if the key is missing, and compares it otherwise: normally one GET. `SET
 * NX GET` would be one command, but needs Redis 7.
 *
 * @throws ForeignQueuesError
 */
export async function claimPrefix(
  { redis, prefix, server }: PrefixPlace,
  installation: string,
): Promise<void> {
  const key = ownerKey(prefix);
  let owner = await redis.get(key);
  // The key may be deleted between both commands.
  while (owner === null) {
    const set = await redis.set(key, installation, 'NX');
    owner = set === null ? await redis.get(key) : installation;
  }
  if (owner !== installation) throw new ForeignQueuesError(prefix, server);
}

/** Longer than the interval of the checks, so a value is of a process that runs. */
const PRESENT_MS = 15_000;

/**
 * Another prefix that a running process of the installation uses, or null. Both would do the same work. To be called
 * every few seconds by each process.
 */
export async function otherPrefix(
  { redis, prefix }: Pick<PrefixPlace, 'redis' | 'prefix'>,
  installation: string,
): Promise<string | null> {
  const key = `passerelle:prefix:${installation}`;
  const used = await redis.get(key);
  await redis.set(key, prefix, 'PX', PRESENT_MS);
  return used === prefix ? null : used;
}

function placeOf({ url, sentinel }: RedisConfig): string {
  const { protocol, host, pathname } = new URL(url);
  const database = pathname === '/' ? '' : pathname;
  return sentinel === null
    ? `${protocol}//${host}${database}`
    : `the sentinels' server ${sentinel.name}${database}`;
}
