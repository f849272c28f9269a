import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Archive } from '../sync/retention/prune-rows.ts';
import { openArchive } from '../sync/retention/prune-rows.ts';
import { commandIn, start } from './passerelle.ts';

let archive: Archive;
let command: ReturnType<typeof commandIn>;
beforeAll(async () => {
  archive = await openArchive();
  command = commandIn(archive.env);
});
afterAll(() => archive.close());

test('prune needs no Odoo, and reports its deletions', async () => {
  await archive.run(99, {}, 1200);
  await archive.failure(7, 99);
  await archive.audit(1000, 3);
  expect(await command.passerelle('prune')).toEqual({
    code: 0,
    stdout: 'Removed: runs 1, items of runs 1,200, resolved failures 1, audit entries 3.\n',
    stderr: '',
  });
  expect(await command.passerelle('prune')).toMatchObject({ code: 0, stdout: 'Nothing is kept too long.\n' });
});

test('prune --json is one object with a count for each kind, by the settings of the moment', async () => {
  await archive.audit(3, 2);
  const strict = commandIn({ ...archive.env, RETAIN_AUDIT: '2d', RETAIN_RUNS: 'off', RETAIN_ITEMS: 'off' });
  const { code, body } = await strict.json('prune');
  expect({ code, body }).toEqual({
    code: 0,
    body: { items: 0, runs: 0, failures: 0, alerts: 0, modelChanges: 0, audit: 2, jobs: 0 },
  });
});

test('prune stops between two batches at Ctrl-C, and reports its deletions', async () => {
  await archive.run(99, {}, 30_000);
  const running = start(['prune', '--json'], archive.env);
  await new Promise((resolve) => setImmediate(resolve));
  while (!running.interrupt()) await new Promise((resolve) => setImmediate(resolve));
  const { code, stdout } = await running.answer;
  expect(code).toBe(130);
  expect(JSON.parse(stdout).items).toBeLessThan(30_000);
  const rest = await command.json('prune');
  expect(rest.body).toMatchObject({ runs: 1, items: 30_000 - JSON.parse(stdout).items });
});
