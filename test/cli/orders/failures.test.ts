import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { listRuns } from '../../../src/db/runs/runs.ts';
import type { TestSetup } from '../../support/test-setup.ts';
import { openTestSetup } from '../../support/test-setup.ts';
import { commandIn, start } from '../passerelle.ts';

const BC = 'dimagaz.bc';
const REFUSED = [2, 3];
let setup: TestSetup;
let command: ReturnType<typeof commandIn>;
beforeAll(async () => {
  setup = await openTestSetup({ sandbox: { documents: 8 } });
  command = commandIn(setup.env);
  await command.passerelle('sync', '--full');
});
beforeEach(async () => {
  for (const id of REFUSED) setup.odoo.faults.denyRecord(BC, id);
  expect(await command.passerelle('resync', ...REFUSED.map(String))).toMatchObject({ code: 1 });
});
afterEach(async () => {
  setup.odoo.faults.clear();
  await command.passerelle('retry', '--all');
});
afterAll(() => setup.close());

const numberOf = (id: number) => String(setup.odoo.record(BC, id)['name']);

test('failures shows an equal reason once, and for each order its number, supplier, tries and next retry', async () => {
  const { code, stdout, stderr } = await command.passerelle('failures');
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  const [title, reason, ...rest] = stdout.trimEnd().split('\n');
  expect(title).toBe('2 open failures');
  expect(reason).toMatch(/^odoo_access_denied: 2 orders, .*access denied.* Odoo says: /);
  const { body } = await command.json('failures');
  expect(body.count).toBe(2);
  // The oldest first: the two jobs run at the same time.
  for (const [at, { odooId: id, number, supplier, failures }] of body.failures.entries()) {
    expect(REFUSED).toContain(id);
    expect({ number, failures }).toEqual({ number: numberOf(id), failures: 1 });
    expect(rest[at]).toContain(`  ${number} (${id})  `);
    expect(rest[at]).toContain(supplier ?? '');
    expect(rest[at]).toMatch(/ {2}failed once (just now|\d+ s ago), next retry in \d+ s$/);
  }
  expect(rest.slice(2)).toEqual(['Retry them with "passerelle retry --all".']);
});

test('a limit lists the oldest failures, and says how many are left out', async () => {
  const { stdout } = await command.passerelle('failures', '--limit', '1');
  expect(stdout).toContain('2 open failures\n');
  expect(stdout).toContain('\nAnd 1 more.');
  expect((await command.json('failures', '--limit', '1')).body).toMatchObject({
    count: 2,
    failures: [{ odooId: expect.any(Number) }],
  });
});

test('a failure of an order that is not in the mirror has no number', async () => {
  const id = setup.odoo.create(BC, { name: 'BC/NEW/1' });
  setup.odoo.faults.denyRecord(BC, id);
  await command.passerelle('resync', String(id));
  expect((await command.passerelle('failures')).stdout).toMatch(new RegExp(`\\n {2}BC ${id} +failed once`));
  const shown = await command.passerelle('show', String(id));
  expect(shown).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/is not in the mirror yet\.\nFailure: failed once/),
  });
});

test('retry --all reads all of them in one run, and lists the failures that stay open', async () => {
  setup.odoo.faults.clear();
  setup.odoo.faults.denyRecord(BC, 3);
  const { code, stdout } = await command.passerelle('retry', '--all');
  expect(code).toBe(1);
  expect(stdout).toMatch(/^Run \d+ \(single\): partial in .*\n {2}2 BC: 1 unchanged, 1 failed\n/);
  expect(stdout).toMatch(
    /\n1 failure still open\nodoo_access_denied: .*\n {2}\S+ \(3\) .*failed 2 times, first (just now|\d+ s ago), /,
  );
  const [run] = await listRuns(setup.database.db, { limit: 1 });
  expect(run).toMatchObject({ mode: 'single', trigger: 'retry' });
  expect(run?.odooIds?.toSorted()).toEqual(REFUSED);
  setup.odoo.faults.clear();
  const { stderr, answer } = await terminal('retry', '--all');
  expect(answer.code).toBe(0);
  expect(answer.stdout).toMatch(/\nNo failure is open any more\.\n$/);
  expect(stderr).toContainEqual(expect.stringMatching(/^Reading BC 3 from Odoo: /));
  expect(await command.json('retry', '--all')).toMatchObject({
    code: 0,
    body: { runId: null, openFailures: 0 },
  });
  expect((await command.passerelle('failures')).stdout).toBe(
    'No open failure: every order could be stored.\n',
  );
});

async function terminal(...argv: string[]) {
  const answer = await start(argv, setup.env, true).answer;
  return { answer, stderr: answer.stderr.split('\r\u001b[K') };
}

test('retry takes ids and numbers, and refuses an order without an open failure', async () => {
  const refused = await command.passerelle('retry', '3', '5');
  expect(refused).toMatchObject({
    code: 1,
    stdout: '',
    stderr: expect.stringMatching(/^No open failure: BC 5\. /),
  });
  expect((await command.json('failures')).body.count).toBe(2);
  setup.odoo.faults.clear();
  const { code, stdout } = await command.passerelle('retry', '3', numberOf(2));
  expect({ code, stdout }).toEqual({ code: 0, stdout: 'BC 2: unchanged\nBC 3: unchanged\n' });
  expect((await command.json('failures')).body.count).toBe(0);
});

test('one run is shown with its failed orders: those that are still open, and those that were stored since', async () => {
  const [run] = await listRuns(setup.database.db, { limit: 1 });
  const id = String(run?.id);
  const { stdout } = await command.passerelle('runs', id);
  expect(stdout).toMatch(new RegExp(`^Run ${id} +partial\\nMode +single\\nTrigger +cli\\n`));
  expect(stdout).toMatch(/\nBCs +2 failed\n/);
  expect(stdout).toMatch(
    new RegExp(`\\nFailed, and still open\\n {2}odoo_access_denied: .*\\n {4}${numberOf(2)} \\(2\\) `),
  );
  // The failure belongs to the newest attempt; the run keeps its own list.
  await command.passerelle('retry', '2');
  expect((await command.json('runs', id)).body).toMatchObject({
    ...{ id: run?.id, status: 'partial', progress: { failed: 2 } },
    failedOrders: [
      { odooId: 2, number: numberOf(2), failure: { failures: 2 } },
      { odooId: 3, number: numberOf(3), failure: { failures: 1 } },
    ],
  });
  setup.odoo.faults.clear();
  await command.passerelle('retry', '2');
  expect((await command.passerelle('runs', id)).stdout).toMatch(
    new RegExp(
      `\\n {4}${numberOf(3)} \\(3\\) .*\\nFailed, and stored since\\n {2}${numberOf(2)} \\(2\\)\\n$`,
    ),
  );
});
