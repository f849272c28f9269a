import { afterEach, describe, expect, it } from 'vitest';
import { readState } from '../../../src/db/runs/lease.ts';
import { lookAtMirror } from '../../operations/alerts/rows.ts';
import { openTestSetup, type TestSetup } from '../../support/test-setup.ts';

const BC = 'dimagaz.bc';
const LINE = 'dimagaz.bc.line';
const MINUTES = 60_000;

describe('an Odoo whose Date header is ahead of the clock of write_date', () => {
  let setup: TestSetup;
  afterEach(() => setup.close());

  it('is mirrored by windows, also right after the first full run', async () => {
    let ahead = 15 * MINUTES;
    setup = await openTestSetup({
      sandbox: { documents: 20, headerClock: () => new Date(Date.now() + ahead) },
      env: { SYNC_OVERLAP: '5m' },
    });
    await setup.work();
    expect(await setup.run('full')).toMatchObject({ status: 'success', created: 20 });
    const [first = 0, second = 0, third = 0] = setup.odoo.ids(BC);
    setup.odoo.write(BC, [first], { notes: 'one' });
    expect(await setup.run('incremental')).toMatchObject({ status: 'success', updated: 1 });
    const [line = 0] = setup.odoo.ids(LINE).slice(-1);
    setup.odoo.write(BC, [second], { notes: 'two' });
    setup.odoo.write(LINE, [line], { sequence: 77 });
    expect(await setup.run('incremental')).toMatchObject({ status: 'success', updated: 2 });
    // The clocks are equal again: the windows keep their usual overlap.
    ahead = 0;
    setup.odoo.write(BC, [third], { notes: 'three' });
    expect(await setup.run('incremental')).toMatchObject({ status: 'success', updated: 1 });
    expect(await setup.run('sweep')).toMatchObject({ status: 'success', late: 0, updated: 0 });
  });

  it('does not read the same BCs again in every run', async () => {
    setup = await openTestSetup({
      sandbox: { documents: 20, headerClock: () => new Date(Date.now() + 15 * MINUTES) },
      env: { SYNC_OVERLAP: '1m' },
    });
    await setup.work();
    await setup.run('full');
    setup.odoo.write(BC, setup.odoo.ids(BC), { notes: 'all' });
    expect(await setup.run('incremental')).toMatchObject({ updated: 20 });
    await setup.run('incremental');
    expect(await setup.run('incremental')).toMatchObject({ status: 'success', planned: 0 });
  });

  it('is reported: the age is below zero, and an incident names the difference until the clocks agree', async () => {
    let ahead = 15 * MINUTES;
    setup = await openTestSetup({
      sandbox: { documents: 2, headerClock: () => new Date(Date.now() + ahead) },
      env: { SYNC_OVERLAP: '5m' },
    });
    const { db } = setup.database;
    const news = async () => {
      const { opened, resolved } = await lookAtMirror(db, [], { overlapMs: 5 * MINUTES });
      return [opened, resolved].map((some) => some.map(({ kind }) => kind));
    };
    await setup.work();
    await setup.run('full');
    expect((await readState(db, 'bclinbc'))?.ageSeconds).toBeLessThan(-10 * 60);
    expect(await news()).toEqual([['clock_difference'], []]);
    ahead = 0;
    await setup.run('incremental');
    expect((await readState(db, 'bclinbc'))?.ageSeconds).toBeGreaterThanOrEqual(0);
    expect(await news()).toEqual([[], ['clock_difference']]);
  });
});
