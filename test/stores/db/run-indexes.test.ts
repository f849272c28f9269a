import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { newestEnded } from '../../../src/db/mirror-stats.ts';
import { createRun, updateRun } from '../../../src/db/runs/runs.ts';
import { BC_KEY } from '../../../src/db/schema/sync.ts';
import { freshDatabase } from '../../support/database.ts';

const WHOLE_MIRROR = ['incremental', 'full', 'sweep'] as const;

let database: Awaited<ReturnType<typeof freshDatabase>>;
beforeAll(async () => {
  database = await freshDatabase();
});
afterAll(() => database.close());

test('the newest run of some modes is found by an index, however many of others came after it', async () => {
  const { db } = database;
  const { id } = await createRun(db, { key: BC_KEY, mode: 'full', trigger: 'cli' });
  await updateRun(db, id, { status: 'failed' });
  await db.execute(sql`insert into sync_log (key, mode, trigger, status)
    select ${BC_KEY}, 'single', 'hook', 'success' from generate_series(1, 20000)`);
  await db.execute(sql`analyze sync_log`);
  const plan: string[] = [];
  const explaining: typeof db = Object.assign(Object.create(db), {
    execute: async (asked: Parameters<typeof db.execute>[0]) => {
      const rows = await db.execute<{ 'QUERY PLAN': string }>(sql`explain (costs off) ${asked}`);
      plan.push(...rows.map((row) => row['QUERY PLAN']));
      return [];
    },
  });
  await newestEnded(explaining, BC_KEY, WHOLE_MIRROR);
  const scans = plan.filter((line) => line.includes('Scan'));
  expect(scans).toHaveLength(WHOLE_MIRROR.length);
  for (const scan of scans) expect(scan).toContain('using sync_log_ended on sync_log');
  expect((await newestEnded(db, BC_KEY, WHOLE_MIRROR))?.id).toBe(id);
});
