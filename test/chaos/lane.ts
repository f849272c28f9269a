import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { Redis } from 'ioredis';
import type { RestartableServices } from '../../dev/services/restartable.ts';
import { startRestartable } from '../../dev/services/restartable.ts';
import { migrate } from '../../src/db/migrate.ts';
import { databaseAt, onServer } from '../support/server.ts';

/** Age of the snapshot that a crashed Redis restarts with. */
const SNAPSHOT_AGE_MS = 300;

/** A PostgreSQL and a Redis for one story at a time, each with one restart at a time. */
export class Lane {
  flushes = 0;
  redisRestarts = 0;
  postgresRestarts = 0;
  readonly #services: RestartableServices;
  #redisWork: Promise<void> = Promise.resolve();
  #postgresWork: Promise<void> = Promise.resolve();

  private constructor(services: RestartableServices) {
    this.#services = services;
  }

  static async open(): Promise<Lane> {
    return new Lane(await startRestartable(() => {}));
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
