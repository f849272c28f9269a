import { randomUUID } from 'node:crypto';
import { type Cipher, type CipherOptions, lazyCipher } from '../cipher.ts';
import { connectionOf, type RedisConnection, type RedisTransaction } from '../redis.ts';
import { isReply } from '../store-guard.ts';
import type { CacheLookup, CacheStore } from '../types.ts';

type Values = readonly (Buffer | null)[];

interface Batch {
  /** The positions of the names in the reply. */
  readonly names: Map<string, number>;
  readonly reply: Promise<Values>;
}

/**
 * Reads values with one MGET for all requests of one turn of the event loop. It is sent after the last request, so no
 * caller gets a value that was read before its request.
 */
class RedisValues {
  readonly #redis: RedisConnection;
  #batch: Batch | null = null;

  constructor(redis: RedisConnection) {
    this.#redis = redis;
  }

  /** The values, in the order of the names. */
  async read(names: readonly string[]): Promise<Values> {
    const batch = this.#batch ?? this.#begin();
    this.#batch = batch;
    const places = names.map((name) => placeOf(name, batch));
    const values = await batch.reply;
    return places.map((place) => values[place] ?? null);
  }

  #begin(): Batch {
    const names = new Map<string, number>();
    const reply = new Promise<Values>((resolve) => {
      setImmediate(() => {
        this.#batch = null;
        resolve(this.#redis.mgetBuffer([...names.keys()]));
      });
    });
    return { names, reply };
  }
}

function placeOf(name: string, { names }: Batch): number {
  const place = names.get(name) ?? names.size;
  names.set(name, place);
  return place;
}

/**
 * Far beyond the longest lifetime of an entry (two days). An expired or evicted version is replaced by a new random
 * one, so entries with the old one stay invalid. A counter would restart and reach its old values.
 */
const VERSION_MS = 7 * 86_400_000;

/** A script with a key, so that in a cluster the node with our keys is asked. */
const INFO = `return redis.call('info', 'server')`;

/**
 * Answers may take half of the memory of Redis. A full Redis that may not evict refuses all writes, also those of the
 * queues. Checked with each stored answer, because one may have megabytes.
 */
const KEEP = `
  local memory = redis.call('info', 'memory')
  local used, most = tonumber(memory:match('used_memory:(%d+)')), tonumber(memory:match('maxmemory:(%d+)'))
  if most > 0 and used * 2 > most then
    return redis.error_reply('OOM answers of Tryton are kept in half of maxmemory, the rest is for the queues')
  end
  return redis.call('set', KEYS[1], ARGV[1], 'PX', ARGV[2])`;

/** How long a first call waits for a new connection. */
const CONNECT_MS = 250;

interface RedisCacheOptions extends CipherOptions {
  readonly prefix: string;
}

/**
 * Keeps cached answers in Redis, below `<prefix>:tryton:cache:`. They are encrypted with a key derived from the
 * password, so only clients of this user read them. The connection should have the role `cache`, which fails fast. Keys
 * and tags should be digests: they become part of key names.
 */
export function createRedisCacheStore(redis: RedisConnection, options: RedisCacheOptions): CacheStore {
  return new RedisCacheStore(redis, options);
}

class RedisCacheStore implements CacheStore {
  readonly #redis: RedisConnection;
  readonly #values: RedisValues;
  readonly #space: string;
  /** Identifies the start of Redis behind this connection. */
  #run: Promise<string> | null = null;
  readonly #connected: () => Promise<void>;
  readonly #cipher: () => Promise<Cipher>;

  constructor(redis: RedisConnection, { prefix, ...whose }: RedisCacheOptions) {
    this.#redis = redis;
    this.#values = new RedisValues(redis);
    this.#space = `${prefix}:tryton:cache`;
    this.#cipher = lazyCipher(whose);
    this.#connected = connectionOf(redis, CONNECT_MS);
    for (const change of ['close', '+node', '-node']) {
      redis.on(change, () => {
        this.#run = null;
      });
    }
  }

  async prepare(): Promise<void> {
    await this.#cipher();
  }

  async read(key: string, tags: readonly string[]): Promise<CacheLookup> {
    await this.#connected();
    const [run, cipher] = await Promise.all([this.#runId(), this.#cipher()]);
    const place = this.#entry(key);
    const names = [place, ...this.#versions(tags), ...this.#holds(tags)];
    const look = () => this.#values.read(names);
    let [sealed = null, ...rest] = await look();
    if (rest.slice(0, tags.length).includes(null)) {
      await this.#begin(tags);
      [sealed = null, ...rest] = await look();
    }
    // If the version of a tag expired between SET and MGET, use a random one: no entry can match it, so the read is a
    // miss.
    const versions = rest.slice(0, tags.length).map((version) => version ?? randomUUID());
    const held = rest.slice(tags.length).some((hold) => hold !== null);
    const entry = sealed === null ? null : cipher.decrypt(sealed, place);
    return { entry, versions: [run, ...versions].join(' '), held };
  }

  async write(key: string, entry: string, ttlMs: number): Promise<void> {
    await this.#connected();
    const place = this.#entry(key);
    const sealed = (await this.#cipher()).encrypt(entry, place);
    await this.#redis.eval(KEEP, 1, place, sealed, ttlMs);
  }

  async foresee(tags: readonly string[], ms: number): Promise<void> {
    await this.#connected();
    const versions = this.#versions(tags);
    const chain = this.#redis.multi();
    for (const version of versions) {
      chain.set(version, randomUUID(), 'PX', ms, 'NX');
      chain.pexpire(version, ms);
    }
    await done(chain).catch((error: unknown) =>
      this.#whileFull(error, versions, (version) => this.#redis.pexpire(version, ms)),
    );
  }

  /**
   * A new version expires no later than the old one, whose expiry another write may have set. Without an old version no
   * new one is set.
   */
  async bump(tags: readonly string[], holdMs: number): Promise<void> {
    await this.#connected();
    const versions = this.#versions(tags);
    const chain = this.#redis.multi();
    for (const version of versions) chain.set(version, randomUUID(), 'KEEPTTL', 'XX');
    if (holdMs > 0) for (const hold of this.#holds(tags)) chain.set(hold, '1', 'PX', holdMs);
    await done(chain).catch((error: unknown) =>
      this.#whileFull(error, versions, (version) => this.#redis.unlink(version)),
    );
  }

  /** A full Redis refuses commands that need memory, and so the whole transaction, but still answers reads. */
  async #whileFull(error: unknown, versions: readonly string[], end: (version: string) => Promise<number>) {
    if (isReply(error)) await Promise.all(versions.map(end));
    throw error;
  }

  /** Sets versions for tags that have none; the first caller wins. */
  async #begin(tags: readonly string[]): Promise<void> {
    const chain = this.#redis.multi();
    for (const version of this.#versions(tags)) chain.set(version, randomUUID(), 'PX', VERSION_MS, 'NX');
    await done(chain);
  }

  /**
   * A Redis that was not shut down properly starts with older data: deleted entries return, and invalidations are lost.
   * So versions contain its run id, and each start of Redis begins with an empty cache.
   */
  #runId(): Promise<string> {
    const run = this.#run ?? this.#redis.eval(INFO, 1, this.#space).then(runIdIn);
    this.#run = run;
    run.catch(() => {
      if (this.#run === run) this.#run = null;
    });
    return run;
  }

  /** Not `entry:`, the name in earlier versions, which encrypted nothing: both may run at the same time. */
  #entry(key: string): string {
    return `${this.#space}:sealed:${key}`;
  }

  #versions(tags: readonly string[]): string[] {
    return tags.map((tag) => `${this.#space}:version:${tag}`);
  }

  #holds(tags: readonly string[]): string[] {
    return tags.map((tag) => `${this.#space}:hold:${tag}`);
  }
}

/** A failed command of a transaction does not make `exec` reject. */
async function done(chain: RedisTransaction): Promise<void> {
  for (const [error] of (await chain.exec()) ?? []) if (error !== null) throw error;
}

const runIdIn = (info: unknown) => /^run_id:(\w+)/m.exec(String(info))?.[1] ?? '';
