import { Redis } from 'ioredis';
import { afterAll, beforeAll, expect, inject, it } from 'vitest';
import { pendingMigrations } from '../../../src/db/migrate.ts';
import { answers, askPostgres, poll } from '../../../src/embedded/probes.ts';
import { freshDatabase } from '../../support/database.ts';
import { freshPrefix, redisUrl } from '../../support/redis.ts';
import { waitFor } from '../../support/wait-for.ts';

let one: Awaited<ReturnType<typeof freshDatabase>>;
let other: Awaited<ReturnType<typeof freshDatabase>>;

beforeAll(async () => {
  [one, other] = await Promise.all([freshDatabase(), freshDatabase()]);
});

afterAll(async () => {
  await one.close();
});

it('gives migrated databases that know nothing of each other', async () => {
  expect(await pendingMigrations(one.db)).toEqual([]);
  await one.client`create table mine (id int)`;
  const seen = await other.client`select to_regclass('mine') as found`;
  expect(seen[0]).toEqual({ found: null });
});

it('never works in the database that the server was given with', () => {
  expect(one.url).not.toBe(inject('databaseUrl'));
  expect(new URL(one.url).pathname).toContain(inject('templateName'));
});

it('drops a database on close', async () => {
  await other.close();
  expect(await answers(askPostgres(other.url))).toBe(false);
});

it('gives key prefixes of its own on one Redis', async () => {
  expect(freshPrefix()).not.toBe(freshPrefix());
  const redis = new Redis(redisUrl());
  expect(await redis.ping().finally(() => redis.disconnect())).toBe('PONG');
});

it('waits for a state and returns it', async () => {
  const answered = [undefined, null, false, 0];
  expect(await waitFor(() => answered.shift(), 'a number')).toBe(0);
});

it('names the state that was never reached', async () => {
  await expect(poll(() => false, 'the moon', 1)).rejects.toThrow(/without success for: the moon/);
});
