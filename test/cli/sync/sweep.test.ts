import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import type { TestSetup } from '../../support/test-setup.ts';
import { openTestSetup } from '../../support/test-setup.ts';
import { commandIn } from '../passerelle.ts';

const BC = 'dimagaz.bc';
let setup: TestSetup;
let command: ReturnType<typeof commandIn>;
beforeAll(async () => {
  setup = await openTestSetup({
    sandbox: { documents: 30 },
    env: { SWEEP_MAX_SHARE: '10', SWEEP_MAX_COUNT: '2' },
  });
  command = commandIn(setup.env);
  await command.passerelle('sync', '--full');
});
afterEach(() => setup.odoo.faults.clear());
afterAll(() => setup.close());

test('a sweep reports archived BCs, and changes that no window would have caught', async () => {
  const [gone = 0, missed = 0] = setup.odoo.ids(BC);
  setup.odoo.erase(BC, [gone]);
  const late = setup.odoo.begin(new Date('2025-06-01T00:00:00Z'));
  late.write(BC, [missed], { notes: 'tard' });
  late.commit();
  const { code, stdout } = await command.passerelle('sync', '--sweep');
  expect(code).toBe(0);
  expect(stdout).toMatch(/^Run \d+ \(sweep\): success in .*\n {2}2 BC: 1 updated, 1 archived\n/);
  expect(stdout).toMatch(/\n {2}Late changes caught: 1\n$/);
  expect(await command.json('verify')).toMatchObject({ code: 0, body: { ok: true } });
  const status = await command.passerelle('status');
  expect(status.stdout).toMatch(/sweep, cli, .*: success, 1 updated, 1 archived, 1 late\n/);
  const answer = await command.json('sync', '--sweep');
  expect(answer.body).toMatchObject({ mode: 'sweep', status: 'success', seen: 0, archived: 0, late: 0 });
});

test('a sweep reports the BCs that it read although no date differs', async () => {
  const [changed = 0] = setup.odoo.ids('res.partner').filter((id) => bcsOf(id) > 0);
  setup.odoo.write('res.partner', [changed], { name: 'Renommée SARL' });
  const { stdout } = await command.passerelle('sync', '--sweep');
  expect(stdout).toContain(`\n  Read without a new date: ${bcsOf(changed)} BC\n`);
  const status = await command.passerelle('status');
  expect(status.stdout).toContain(`success, ${bcsOf(changed)} updated, ${bcsOf(changed)} reread\n`);
  expect((await command.json('sync', '--sweep')).body).toMatchObject({ seen: 0, reread: 0 });
});

const bcsOf = (partner: number) =>
  setup.odoo.ids(BC).filter((id) => setup.odoo.record(BC, id)['partner_id'] === partner).length;

test('a breaker that opens is an error of its own, and --force overrides it once', async () => {
  const hidden = setup.odoo.ids(BC).slice(0, 4);
  setup.odoo.faults.hideRecords(BC, hidden);
  const refused = await command.json('sync', '--sweep');
  expect(refused.code).toBe(1);
  expect(refused.body).toMatchObject({
    status: 'partial',
    archived: 0,
    gone: 4,
    error: { code: 'sweep_breaker', message: expect.stringContaining('4 of 30 BCs') },
  });
  expect(refused.stderr).toMatch(
    /^Run \d+ is partial\. Nothing was archived: .*at most 3 in a day .*--force.*\n$/,
  );
  const status = await command.passerelle('status');
  expect(status.stdout).toContain('Nothing was archived');
  const forced = await command.json('sync', '--sweep', '--force');
  expect(forced).toMatchObject({ code: 0, body: { status: 'success', archived: 4 } });
  setup.odoo.faults.clear();
  expect(await command.json('sync', '--sweep')).toMatchObject({ code: 0, body: { updated: 4, late: 0 } });
  expect(await command.json('verify')).toMatchObject({ code: 0, body: { ok: true } });
});
