import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { Redis } from 'ioredis';
import type { Random } from '../../dev/sandbox-odoo/random.ts';
import { type RestartableServices, startRestartable } from '../../dev/services/restartable.ts';
import { migrate } from '../../src/db/migrate.ts';
import { databaseAt, onServer } from '../support/server.ts';

/** Age of the snapshot that a crashed Redis restarts with. */
const SNAPSHOT_AGE_MS = 300;

/** A PostgreSQL and a Redis for one scenario at a time, each with one restart at a time. */
export class ScenarioSetup {
  flushes = 0;
  redisRestarts = 0;
  postgresRestarts = 0;
  readonly #services: RestartableServices;
  #redisWork: Promise<void> = Promise.resolve();
  #postgresWork: Promise<void> = Promise.resolve();

  private constructor(services: RestartableServices) {
    this.#services = services;
  }

  static async open(): Promise<ScenarioSetup> {
    return new ScenarioSetup(await startRestartable(() => {}));
  }

  get redisUrl(): string {
    return this.#services.redis.url;
  }

  /** A migrated, empty database of its own. */
  async freshDatabase(name: string): Promise<string> {
    const server = this.#services.postgres.url;
    await onServer(server, (sql) => sql`create database ${sql(name)} template template0`);
    const url = databaseAt(server, name);
    await migrate(url);
    return url;
  }

  async dropDatabase(name: string): Promise<void> {
    await onServer(
      this.#services.postgres.url,
      (sql) => sql`drop database if exists ${sql(name)} with (force)`,
    );
  }

  flush(): Promise<void> {
    return this.#onRedis(async () => {
      await this.#ask((redis) => redis.flushall());
      this.flushes += 1;
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
      this.redisRestarts += 1;
    });
  }

  restartPostgres(downMs: number): Promise<void> {
    this.#postgresWork = this.#postgresWork.then(async () => {
      const { postgres } = this.#services;
      await postgres.crash();
      await pause(downMs);
      await postgres.start();
      this.postgresRestarts += 1;
    });
    return this.#postgresWork;
  }

  async close(): Promise<void> {
    await Promise.allSettled([this.#redisWork, this.#postgresWork]);
    await this.#services.stop();
  }

  #onRedis(work: () => Promise<void>): Promise<void> {
    this.#redisWork = this.#redisWork.then(work);
    return this.#redisWork;
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

const MINUTE_MS = 60_000;

/**
 * Odoo's clock, which may be set forwards and backwards by whole minutes. Before the scenario begins it stands two hours
 * earlier, so that no stamp of the generated data is met again.
 */
export class Clock {
  readonly #random: Random;
  readonly #start = Date.now();
  readonly #given = new Set<number>();
  readonly #lastWrite = new Map<number, number>();
  readonly #mayRepeat: boolean;
  #offsetMs = -120 * MINUTE_MS;

  /** `skewed`: the clock will be set during the scenario. */
  constructor(random: Random, skewed: boolean) {
    this.#random = random;
    this.#mayRepeat = !skewed;
  }

  begin(): void {
    this.#offsetMs = 0;
  }

  readonly now = (): Date => new Date(Date.now() + this.#offsetMs);

  skew(minutes: number): void {
    // Never far from the truth: the seconds of late transactions stay theirs alone.
    this.#offsetMs = this.#offsetMs === 0 ? minutes * MINUTE_MS : 0;
  }

  /** The start of a transaction that began 15 to 60 minutes ago. No second is given twice. */
  longAgo(): Date {
    for (;;) {
      const second = Math.floor(this.#start / 1000) - this.#random.between(15 * 60, 60 * 60);
      if (this.#given.has(second)) continue;
      this.#given.add(second);
      return new Date(second * 1000 + this.#random.between(0, 999));
    }
  }

  noteWrite(bcs: readonly number[], at: Date): void {
    for (const id of bcs) this.#lastWrite.set(id, second(at));
  }

  /**
   * A sweep distinguishes two states of a record by their `write_date`, which has whole seconds; two writes within one second
   * are covered by the overlap of the windows. A clock change in between defeats that: this limit is left out here.
   */
  mayWrite(bc: number, at: Date): boolean {
    return this.#mayRepeat || this.#lastWrite.get(bc) !== second(at);
  }
}

const second = (at: Date): number => Math.floor(at.getTime() / 1000);
