import { execFile } from 'node:child_process';
import { Redis } from 'ioredis';
import { expect, inject, test } from 'vitest';
import type { Section } from '../../../bench/reporting/figures.ts';
import { apart, fromSources } from '../../support/own-process.ts';
import { redisUrl } from '../../support/redis.ts';
import { onServer } from '../../support/server.ts';
import { waitFor } from '../../support/wait-for.ts';

/** The command in a process of its own. Whether targets are met does not matter: so small, they need not be. */
function bench(args: readonly string[], env: Readonly<Record<string, string>> = {}) {
  return new Promise<{ code: unknown; out: string; complaint: string }>((done) => {
    execFile(
      process.execPath,
      [...fromSources('bench/main.ts'), ...args],
      apart(env),
      (error, out, complaint) => done({ code: error === null ? 0 : error.code, out, complaint }),
    );
  });
}

test('a full sync is measured beside a bare fetch and the rival, and nothing of it stays', async () => {
  const stores = { BENCH_DATABASE_URL: inject('databaseUrl'), BENCH_REDIS_URL: redisUrl() };
  const args = ['--only', 'sync', '--documents', '30', '--rounds', '1', '--json'];
  const { code, out, complaint } = await bench(args, stores);
  expect({ code, complaint }).toMatchObject({
    code: expect.any(Number),
    complaint: expect.stringContaining('naive'),
  });
  expect(out, complaint).toMatch(/^\{/);
  const { sections } = JSON.parse(out) as { sections: Section[] };
  expect(sections).toMatchObject([
    { name: 'sync', on: 'sandbox', rounds: 1, size: '30 BC, the naive rival 30 of them' },
  ]);
  expect(sections[0]?.servers).toMatchObject({ PostgreSQL: expect.any(String), Redis: expect.any(String) });
  const figures = sections[0]?.figures ?? [];
  expect(figures.map(({ id, target }) => [id, target?.ratio])).toEqual([
    ['sync.first.naive', 20],
    ['sync.again.naive', 20],
    ['sync.first.bare', undefined],
    ['sync.first.request', undefined],
    ['sync.again.bare', undefined],
    ['sync.again.request', undefined],
  ]);
  for (const { ours, beside } of figures) {
    for (const series of [ours, beside]) {
      expect(series?.values).toHaveLength(1);
      for (const value of series?.values ?? []) expect(value).toBeGreaterThan(0);
    }
  }
  const redis = new Redis(redisUrl());
  expect(await redis.keys('passerelle-bench-*')).toEqual([]);
  redis.disconnect();
  const left = () =>
    onServer(inject('databaseUrl'), async (sql) => [
      ...(await sql`select datname from pg_database where starts_with(datname, 'passerelle_mirror_bench_')`),
    ]);
  // Other benchmarks are tested at the same time.
  await waitFor(async () => (await left()).length === 0, 'the databases to be gone');
});

test.each([
  [['--only', 'speed'], '--only: expected some of '],
  [['live'], 'Not set: ODOO_URL'],
])('%j ends with 2 and names the fault', async (args, said) => {
  expect(await bench(args)).toMatchObject({ code: 2, complaint: expect.stringContaining(said) });
});
