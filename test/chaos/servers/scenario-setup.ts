import { execFile } from 'node:child_process';
import { open, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Redis } from 'ioredis';
import type postgres from 'postgres';
import { type RestartableServices, startRestartable } from '../../../dev/services/restartable.ts';
import { migrate } from '../../../src/db/migrate.ts';
import { answers, askPostgres, poll } from '../../../src/embedded/probes.ts';
import { ownerKey } from '../../../src/queues/owner.ts';
import { databaseAt, onServer } from '../../support/server.ts';
import { paced, pause } from '../pace.ts';

/** Age of the snapshot that a crashed Redis restarts with. */
const SNAPSHOT_AGE_MS = 300;

/** Holds the binaries, the databases of a scenario and their WAL. */
const DISK_MB = 400;

const POSTGRES_SETTINGS = [
  // Little WAL is kept, so that a full disk leaves no room for more.
  ...['min_wal_size=32MB', 'max_wal_size=64MB'],
  // A copy that was promoted finds no further WAL anywhere.
  'restore_command=false',
];

/** How long PostgreSQL may take to answer by itself after its disk has space again. */
const RECOVERED_WITHIN_MS = paced(5000);

const CHUNK = Buffer.alloc(1024 * 1024);

export type EvictionPolicy = 'allkeys-lru' | 'allkeys-random' | 'volatile-lru';

/** Counts of the faults of the servers. */
interface ServerEvents {
  readonly 'Redis flushed': number;
  readonly 'Redis restarted': number;
  readonly 'keys that Redis evicted': number;
  readonly 'PostgreSQL restarted': number;
  readonly 'PostgreSQL lost commits': number;
  readonly 'disk of PostgreSQL full': number;
  readonly 'PostgreSQL died of it': number;
}

/** A PostgreSQL and a Redis for one scenario at a time, each with one disturbance at a time. */
export class ScenarioSetup {
  readonly #services: RestartableServices;
  readonly #events: { -readonly [name in keyof ServerEvents]: number } = {
    ...{ 'Redis flushed': 0, 'Redis restarted': 0, 'keys that Redis evicted': 0 },
    ...{ 'PostgreSQL restarted': 0, 'PostgreSQL lost commits': 0 },
    ...{ 'disk of PostgreSQL full': 0, 'PostgreSQL died of it': 0 },
  };
  readonly #databases: string[] = [];
  #redisWork: Promise<void> = Promise.resolve();
  #postgresWork: Promise<void> = Promise.resolve();

  private constructor(services: RestartableServices) {
    this.#services = services;
  }

  static async open(log: (line: string) => void): Promise<ScenarioSetup> {
    return new ScenarioSetup(await startRestartable(log, { settings: POSTGRES_SETTINGS, diskSize: DISK_MB }));
  }

  get redisUrl(): string {
    return this.#services.redis.url;
  }

  get hasOwnDisk(): boolean {
    return this.#services.postgres.ownDisk;
  }

  get events(): ServerEvents {
    return { ...this.#events };
  }

  /** An empty database without a schema. It exists until `dropDatabases`. */
  async emptyDatabase(name: string): Promise<string> {
    const server = this.#services.postgres.url;
    this.#databases.push(name);
    // A first try, which PostgreSQL ended, may have created it.
    await this.#drop(name);
    await onServer(server, (sql) => sql`create database ${sql(name)} template template0`);
    return databaseAt(server, name);
  }

  /** A migrated, empty database of its own. */
  async freshDatabase(name: string): Promise<string> {
    const url = await this.emptyDatabase(name);
    await migrate(url);
    return url;
  }

  /** The disk is small: it has no room for the databases of many scenarios. */
  async dropDatabases(): Promise<void> {
    for (const name of this.#databases.splice(0)) await this.#drop(name);
  }

  async #drop(name: string): Promise<void> {
    await onServer(
      this.#services.postgres.url,
      (sql) => sql`drop database if exists ${sql(name)} with (force)`,
    );
  }

  flush(): Promise<void> {
    return this.#onRedis(async () => {
      await this.#ask((redis) => redis.flushall());
      this.#events['Redis flushed'] += 1;
    });
  }

  /** As an operator does after another installation has used the prefix. */
  freePrefix(prefix: string): Promise<void> {
    return this.#onRedis(async () => {
      await this.#ask((redis) => redis.del(ownerKey(prefix)));
    });
  }

  /** Restarts empty, or with its data from a moment before the crash, as a Redis does that writes snapshots. */
  restartRedis(keeps: 'nothing' | 'snapshot', downMs: number): Promise<void> {
    return this.#onRedis(async () => {
      const { redis } = this.#services;
      if (keeps === 'snapshot') {
        await this.#ask((client) => client.save());
        await pause(SNAPSHOT_AGE_MS);
      } else await rm(join(await this.#directory(), 'dump.rdb'), { force: true });
      await redis.crash();
      await pause(downMs);
      await redis.start();
      this.#events['Redis restarted'] += 1;
    });
  }

  /** Redis may use less memory than it does: it evicts keys, and refuses commands if that does not help. */
  evict(policy: EvictionPolicy, share: number, forMs: number): Promise<void> {
    return this.#onRedis(async () => {
      const evicted = await this.#ask(async (redis) => {
        const memory = await redis.info('memory');
        const [used, atStart] = [numberIn(memory, 'used_memory'), numberIn(memory, 'used_memory_startup')];
        const before = numberIn(await redis.info('stats'), 'evicted_keys');
        await redis.config('SET', 'maxmemory-policy', policy);
        await redis.config('SET', 'maxmemory', Math.round(used - share * (used - atStart)));
        await pause(forMs);
        await redis.config('SET', 'maxmemory', 0);
        await redis.config('SET', 'maxmemory-policy', 'noeviction');
        return numberIn(await redis.info('stats'), 'evicted_keys') - before;
      });
      this.#events['keys that Redis evicted'] += evicted;
    });
  }

  restartPostgres(downMs: number): Promise<void> {
    return this.#onPostgres(async () => {
      const { postgres } = this.#services;
      await postgres.crash();
      await pause(downMs);
      await postgres.start();
      this.#events['PostgreSQL restarted'] += 1;
    });
  }

  /**
   * PostgreSQL fails over to a copy that lacks the commits of the last `ageMs`, on a new timeline: as to an asynchronous
   * standby that was behind.
   */
  loseCommits(ageMs: number, downMs: number): Promise<void> {
    return this.#onPostgres(async () => {
      const { postgres } = this.#services;
      const data = join(postgres.home, 'data');
      // Not on its own small disk.
      const copy = `${postgres.home}-copy`;
      await onServer(postgres.url, (sql) => copyOnline(sql, data, copy));
      await pause(ageMs);
      await postgres.crash();
      await pause(downMs);
      await run('sh', ['-c', 'rm -rf "$1"/* && cp -a "$2"/. "$1"/ && rm -rf "$2"', 'sh', data, copy]);
      await postgres.start();
      this.#events['PostgreSQL lost commits'] += 1;
    });
  }

  /**
   * A file fills the disk of PostgreSQL. `wal`: PostgreSQL also needs new WAL meanwhile, without which it dies. Only if
   * it has a disk of its own.
   */
  fillDisk(forMs: number, wal: boolean): Promise<void> {
    return this.#onPostgres(async () => {
      const { postgres } = this.#services;
      const filler = join(postgres.home, 'filler');
      await fill(filler);
      const wearing = wal ? useUpWal(postgres.url) : Promise.resolve();
      await pause(forMs);
      await wearing;
      await rm(filler);
      this.#events['disk of PostgreSQL full'] += 1;
      const recovered = await poll(
        () => answers(askPostgres(postgres.url)),
        'PostgreSQL with space again',
        RECOVERED_WITHIN_MS,
      ).catch(() => false);
      if (recovered) return;
      // Without space for WAL it cannot recover and ends. A supervisor starts it again.
      await postgres.crash();
      await postgres.start();
      this.#events['PostgreSQL died of it'] += 1;
    });
  }

  async close(): Promise<void> {
    await Promise.allSettled([this.#redisWork, this.#postgresWork]);
    await this.#services.stop();
  }

  #onRedis(work: () => Promise<void>): Promise<void> {
    this.#redisWork = this.#redisWork.then(work);
    return this.#redisWork;
  }

  #onPostgres(work: () => Promise<void>): Promise<void> {
    this.#postgresWork = this.#postgresWork.then(work);
    return this.#postgresWork;
  }

  async #directory(): Promise<string> {
    const [, directory] = await this.#ask((redis) => redis.config('GET', 'dir') as Promise<string[]>);
    if (directory === undefined) throw new Error('Redis does not report its directory');
    return directory;
  }

  async #ask<T>(question: (redis: Redis) => Promise<T>): Promise<T> {
    const redis = new Redis(this.redisUrl);
    try {
      return await question(redis);
    } finally {
      redis.disconnect();
    }
  }
}

const run = promisify(execFile);

/** A file-level copy while the server works, which starts as a server of its own on a new timeline. */
async function copyOnline(sql: postgres.Sql, data: string, copy: string): Promise<void> {
  await run('rm', ['-rf', copy]);
  await sql`select pg_backup_start('chaos', true)`;
  // Files may vanish while it copies: then `cp` fails in the end, and the WAL of the backup covers it.
  await run('cp', ['-a', data, copy]).catch(() => {});
  const [backup] = await sql<{ labelfile: string }[]>`select labelfile from pg_backup_stop(false)`;
  await run('sh', [
    '-c',
    'rm -rf "$2"/pg_wal "$2"/postmaster.pid && cp -a "$1"/pg_wal "$2"/',
    'sh',
    data,
    copy,
  ]);
  await writeFile(join(copy, 'backup_label'), backup?.labelfile ?? '');
  await writeFile(join(copy, 'recovery.signal'), '');
  const owner = `--reference=${data}`;
  await run('chown', [owner, join(copy, 'backup_label'), join(copy, 'recovery.signal')]);
}

/** Writes until there is no space left. */
async function fill(file: string): Promise<void> {
  const handle = await open(file, 'w');
  try {
    for (let size = CHUNK.length; size > 0; ) {
      const written = await handle.write(CHUNK, 0, size).then(
        ({ bytesWritten }) => bytesWritten,
        () => 0,
      );
      if (written === 0) size = Math.floor(size / 2);
    }
  } finally {
    await handle.close();
  }
}

/** Uses all WAL segments that are ready. Fails when PostgreSQL does. */
async function useUpWal(url: string): Promise<void> {
  const switches = onServer(url, async (sql) => {
    for (let segment = 0; segment < 20; segment += 1) {
      await sql`select pg_logical_emit_message(false, 'chaos', 'x')`;
      await sql`select pg_switch_wal()`;
    }
  });
  await switches.catch(() => {});
}

function numberIn(info: string, name: string): number {
  return Number(new RegExp(`^${name}:(\\d+)`, 'm').exec(info)?.[1] ?? 0);
}
