import { randomBytes } from 'node:crypto';
import { Redis } from 'ioredis';
import type { TestProject } from 'vitest/node';
import { startServices } from '../../dev/services/index.ts';
import { migrate } from '../../src/db/migrate.ts';
import { databaseAt, onServer } from './server.ts';

/** Before all tests: real servers, and one migrated database that test files clone. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const services = await startServices({ log: (line) => process.stderr.write(`${line}\n`) });
  const run = `passerelle_test_${randomBytes(4).toString('hex')}`;
  const teardown = async () => {
    try {
      await tidy(services, run);
    } finally {
      await services.stop();
    }
  };
  try {
    // template0: it has no connections and no data of its own.
    await onServer(services.databaseUrl, (sql) => sql`create database ${sql(run)} template template0`);
    await migrate(databaseAt(services.databaseUrl, run));
  } catch (error) {
    await teardown();
    throw error;
  }
  project.provide('databaseUrl', services.databaseUrl);
  project.provide('redisUrl', services.redisUrl);
  project.provide('templateName', run);
  return teardown;
}

/** Leaves given servers as they were found, also when a test file did not clean up. */
async function tidy(services: { databaseUrl: string; redisUrl: string }, run: string): Promise<void> {
  await onServer(services.databaseUrl, async (sql) => {
    const left = await sql<{ datname: string }[]>`
      select datname from pg_database where starts_with(datname, ${run})`;
    for (const { datname } of left) await sql`drop database if exists ${sql(datname)} with (force)`;
  });
  const redis = new Redis(services.redisUrl);
  try {
    for await (const keys of redis.scanStream({ match: `${run}*`, count: 1000 })) {
      if (keys.length > 0) await redis.unlink(keys);
    }
  } finally {
    redis.disconnect();
  }
}
