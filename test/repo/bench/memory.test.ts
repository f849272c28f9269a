import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { MemoryResult } from '../../../bench/memory/bench.ts';
import { memoryFigures } from '../../../bench/memory/phases.ts';
import { freshDatabase } from '../../support/database.ts';
import { apart, fromSources } from '../../support/own-process.ts';
import { redisUrl } from '../../support/redis.ts';

const run = promisify(execFile);

let database: Awaited<ReturnType<typeof freshDatabase>>;
beforeAll(async () => {
  database = await freshDatabase();
});
afterAll(() => database?.close());

/** A database without other writers, so that the remains of a benchmark can be found. */
const ownRedis = () => new URL('/12', redisUrl()).href;

const bench = (...args: string[]) =>
  run(
    process.execPath,
    [...fromSources('bench/main.ts'), 'memory', ...args],
    apart({ BENCH_DATABASE_URL: database.url, BENCH_REDIS_URL: ownRedis() }),
  );

test('the benchmark goes through all phases, reports the cost of each, and leaves Redis as it was', async () => {
  const { stdout } = await bench('--documents', '200', '--lines', '2', '--workers', '2', '--json');
  const result = JSON.parse(stdout) as MemoryResult;
  expect(result).toMatchObject({ documents: 200, workers: 2, changes: { rewritten: 2, deleted: 1 } });
  expect(result.phases.map(({ phase, documents }) => [phase, documents])).toEqual([
    ['full', 200],
    ['incremental, nothing to do', expect.any(Number)],
    ['sweep, nothing to do', 0],
    ['sweep after changes', expect.any(Number)],
    ['verify', 199],
  ]);
  for (const { memory, redisMax, database: size, calls } of result.phases) {
    expect(memory.max).toBeGreaterThan(30);
    expect(memory.max).toBeGreaterThanOrEqual(memory.median);
    expect(redisMax).toBeGreaterThan(0);
    expect(size).toBeGreaterThan(1);
    expect(calls).toBeGreaterThan(0);
  }
  const redis = new Redis(ownRedis());
  expect(await redis.keys('passerelle-bench-*')).toEqual([]);
  redis.disconnect();
});

test('a wrong option is reported with the expected form, and exit code 2', async () => {
  await expect(bench('--documents', 'many')).rejects.toMatchObject({
    code: 2,
    stderr: expect.stringContaining('--documents: expected a whole number from 10 to 2000000'),
  });
});

test('the slope is that of the second half, in MB per minute', () => {
  const sample = (at: number, rss: number) => ({ at: at * 1000, rss: rss * 1e6, live: 0 });
  const rising = Array.from({ length: 60 }, (_, second) => sample(second, second < 30 ? 500 : 100 + second));
  expect(memoryFigures(rising)).toMatchObject({ start: 500, max: 500, slope: 60 });
  const flat = Array.from({ length: 60 }, (_, second) => sample(second, second < 30 ? second : 200));
  expect(memoryFigures(flat)).toMatchObject({ start: 0, median: 114.5, slope: 0 });
  expect(memoryFigures(flat.slice(0, 5)).slope).toBeNull();
});
