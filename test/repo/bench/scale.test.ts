import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Figure } from '../../../bench/reporting/figures.ts';
import { isMet, ratioOf } from '../../../bench/reporting/figures.ts';
import type { Measured } from '../../../bench/scale/figures.ts';
import { checkPage, scaleFigures } from '../../../bench/scale/figures.ts';
import { freshDatabase } from '../../support/database.ts';
import { apart, fromSources } from '../../support/own-process.ts';
import { redisUrl } from '../../support/redis.ts';

const ROOT = resolve(import.meta.dirname, '../../..');
const run = promisify(execFile);

let database: Awaited<ReturnType<typeof freshDatabase>>;
let directory: string;
beforeAll(async () => {
  database = await freshDatabase();
  directory = await mkdtemp(join(tmpdir(), 'passerelle-test-'));
});
afterAll(async () => {
  await database?.close();
  await rm(directory, { recursive: true, force: true });
});

/** A database without other writers, so that the remains of a benchmark can be found. */
const ownRedis = () => new URL('/11', redisUrl()).href;

const bench = (...args: string[]) =>
  run(
    process.execPath,
    [...fromSources('bench/main.ts'), 'scale', ...args],
    apart({ BENCH_DATABASE_URL: database.url, BENCH_REDIS_URL: ownRedis() }),
  );

const measured = (parts: Partial<Measured>): Measured => ({
  ...{
    documents: 10_000,
    lines: 50_000,
    workers: 1,
    seconds: 10,
    noOp: 1600,
    rss: 200,
    redis: 12,
    database: 80,
  },
  incremental: { seconds: 0.2, calls: 4 },
  ...parts,
});

/** The values of the figure, by its id. */
const said = (figures: readonly Figure[]) =>
  Object.fromEntries(figures.map((figure) => [figure.id, [ratioOf(figure), isMet(figure)]]));

test('every size is measured with every number of workers, and Redis is left as it was', async () => {
  const page = join(directory, 'page.md');
  await writeFile(page, 'Before.\n<!-- scale:begin -->\nold\n<!-- scale:end -->\nAfter.\n');
  // Its memory, from the sources on a busy machine, may be beyond the limit: then the code is 1.
  const { stdout } = await bench('--sizes', '150,50', '--workers', '1,2', '--json', '--page', page).catch(
    (error: { stdout: string }) => error,
  );
  const [section] = (JSON.parse(stdout) as { sections: { figures: Figure[] }[] }).sections;
  const ids = ['rate.50', 'workers.50.2', 'rss.50', 'redis.50', 'database.50', 'idle.50'];
  const more = [
    'rate.150',
    'growth.150',
    'workers.150.2',
    'rss.150',
    'redis.150',
    'database.150',
    'idle.150',
  ];
  expect(section?.figures.map(({ id }) => id)).toEqual([...ids, ...more].map((id) => `scale.${id}`));
  for (const { values } of section?.figures.flatMap(({ ours, beside }) => [ours, beside ?? ours]) ?? []) {
    expect(Math.min(...values)).toBeGreaterThan(0);
  }
  const text = await readFile(page, 'utf8');
  expect(text).toMatch(
    /^Before\.\n<!-- scale:begin -->\n\n\| BC \|[\s\S]*\n\n<!-- scale:end -->\nAfter\.\n$/,
  );
  expect(text.match(/^\| (50|150) \|/gm)).toEqual(['| 50 |', '| 50 |', '| 150 |', '| 150 |']);
  const redis = new Redis(ownRedis());
  expect(await redis.keys('passerelle-bench-*')).toEqual([]);
  redis.disconnect();
});

test('a rate is shown beside the no-op worker, growth beside the smallest size, needs beside their limits', () => {
  const large = { documents: 1_000_000, seconds: 1200, rss: 260, redis: 99, database: 7000 };
  const figures = said(
    scaleFigures([measured({}), measured({ workers: 2, noOp: null, seconds: 5 }), measured(large)]),
  );
  expect(figures['scale.rate.10000']).toEqual([1000 / 1600, true]);
  expect(figures['scale.rate.1000000']).toEqual([1_000_000 / 1200 / 1600, false]);
  expect(figures['scale.growth.1000000']).toEqual([1.2, false]);
  expect(figures['scale.workers.10000.2']).toEqual([0.5, null]);
  expect(figures['scale.rss.10000']).toEqual([0.8, true]);
  expect(figures['scale.rss.1000000']).toEqual([1.04, false]);
  expect(figures['scale.redis.1000000']).toEqual([0.99, true]);
  expect(figures['scale.database.1000000']).toEqual([null, null]);
  expect(figures['scale.idle.10000']).toEqual([4 / 6, true]);
});

test('the largest of several rounds is what a limit is held against', () => {
  const rounds = [200, 210, 300].map((rss) => measured({ rss }));
  expect(said(scaleFigures(rounds))['scale.rss.10000']).toEqual([1.2, false]);
});

test('a page without a place for the table is reported before anything is measured', async () => {
  const page = join(directory, 'other.md');
  await writeFile(page, '<!-- scale:end -->\n');
  await expect(checkPage(page)).rejects.toMatchObject({ code: 'no_place_for_figures' });
  await checkPage(join(ROOT, 'docs/explanation/scale.md'));
});

test('a wrong size is reported with the expected form, and exit code 2', async () => {
  await expect(bench('--sizes', '100,')).rejects.toMatchObject({
    code: 2,
    stderr: expect.stringContaining('--sizes: expected a whole number from 10 to 2000000'),
  });
});
