import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, expect, it } from 'vitest';
import {
  addItems,
  addPageCalls,
  addPages,
  closeItems,
  closePages,
  nextPages,
} from '../../../src/db/runs/ledger.ts';
import { runStage } from '../../../src/db/runs/run-progress.ts';
import { createRun, updateRun } from '../../../src/db/runs/runs.ts';
import { freshDatabase } from '../../support/database.ts';

let database: Awaited<ReturnType<typeof freshDatabase>>;
beforeAll(async () => {
  database = await freshDatabase();
});
afterAll(() => database.close());

it('a run is planned, fetches its pages, stores the records, and finishes, as its ledger says', async () => {
  const { db } = database;
  const { id } = await createRun(db, { key: 'k', mode: 'full', trigger: 'cli' });
  const phase = async () => (await runStage(db, id))?.phase;
  await updateRun(db, id, { status: 'running', startedAt: new Date() });
  const items = [1, 2].map((odooId) => ({ odooId, page: odooId - 1 }));
  await addItems(db, id, items);
  expect(await phase()).toBe('planning');
  await addPages(db, id);
  await updateRun(db, id, { plannedAt: new Date() });
  expect(await phase()).toBe('fetching');
  await nextPages(db, id, 2);
  await addPageCalls(db, id, 0, 2);
  expect(await phase()).toBe('fetching');
  await addPageCalls(db, id, 1, 2);
  expect(await phase()).toBe('storing');
  await closeItems(db, { runId: id, odooIds: [1, 2], state: 'created' });
  expect(await phase()).toBe('finishing');
  await closePages(db, id);
  expect(await phase()).toBe('finishing');
});

it('the duration of a run is measured by the clock of PostgreSQL', async () => {
  const { db } = database;
  const { id } = await createRun(db, { key: 'k', mode: 'full', trigger: 'cli' });
  await db.execute(
    sql`update sync_log set started_at = clock_timestamp() - interval '1 hour' where id = ${id}`,
  );
  const elapsedMs = (await runStage(db, id))?.elapsedMs ?? 0;
  expect(elapsedMs).toBeGreaterThanOrEqual(3_600_000);
  expect(elapsedMs).toBeLessThan(3_700_000);
  expect(await runStage(db, 4711)).toBeNull();
});
