import { afterAll, beforeAll, expect, test } from 'vitest';
import { createRun, updateRun } from '../../src/db/runs/runs.ts';
import { BC_KEY } from '../../src/db/schema/sync.ts';
import { freshDatabase } from '../support/database.ts';
import { commandIn } from './passerelle.ts';

const REASON = `Odoo does not answer. ${'It is slow today. '.repeat(10)}`.trim();
let database: Awaited<ReturnType<typeof freshDatabase>>;
let command: ReturnType<typeof commandIn>;
const ids: number[] = [];
beforeAll(async () => {
  database = await freshDatabase();
  command = commandIn({ DATABASE_URL: database.url });
  const { db } = database;
  for (const mode of ['full', 'incremental', 'sweep'] as const)
    ids.push((await createRun(db, { key: BC_KEY, mode, trigger: 'schedule' })).id);
  const [full = 0, incremental = 0, sweep = 0] = ids;
  await updateRun(db, full, { status: 'success', created: 1200, durationMs: 3210 });
  await updateRun(db, incremental, {
    ...{ status: 'failed', durationMs: 150_000 },
    ...{ errorCode: 'odoo_unreachable', errorMessage: REASON },
  });
  await updateRun(db, sweep, { status: 'partial', archived: 2, failed: 1, durationMs: 840 });
});
afterAll(() => database.close());

test('runs are listed newest first, and need the database only', async () => {
  const { code, stdout } = await command.passerelle('runs');
  expect(code).toBe(0);
  const [full, incremental, sweep] = ids;
  const [headings, ...rows] = stdout.trimEnd().split('\n');
  expect(headings).toMatch(/^ID +MODE +TRIGGER +REQUESTED +DURATION +STATUS +RESULT$/);
  const when = '(just now|\\d+ s ago)';
  expect(rows).toEqual([
    expect.stringMatching(`^${sweep} +sweep +schedule +${when} +840 ms +partial +2 archived, 1 failed$`),
    expect.stringMatching(
      `^${incremental} +incremental +schedule +${when} +2 min +failed +Odoo does not .*…$`,
    ),
    expect.stringMatching(`^${full} +full +schedule +${when} +3\\.2 s +success +1,200 created$`),
  ]);
  expect((await command.json('runs', '--limit', '1')).body.runs).toMatchObject([{ mode: 'sweep' }]);
});

test('--failed and --mode select', async () => {
  const [full = 0, incremental = 0, sweep = 0] = ids;
  const listed = async (...argv: string[]) =>
    (await command.json('runs', ...argv)).body.runs.map(({ id }: { id: number }) => id);
  expect(await listed('--failed')).toEqual([sweep, incremental]);
  expect(await listed('--mode', 'full')).toEqual([full]);
  expect((await command.passerelle('runs', '--failed', '--mode', 'full')).stdout).toBe('No run.\n');
});

test('one run shows its whole reason; an unknown one is an error', async () => {
  const { stdout } = await command.passerelle('runs', String(ids[1]));
  expect(stdout).toContain(`odoo_unreachable: ${REASON}\n`);
  expect(await command.passerelle('runs', '4711')).toEqual({
    ...{ code: 1, stdout: '' },
    stderr: 'There is no run 4711; "passerelle runs" lists the last ones.\n',
  });
});
