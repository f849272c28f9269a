import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { TestSetup } from '../../support/test-setup.ts';
import { openTestSetup } from '../../support/test-setup.ts';

const TOUR = 'site.tour';
const STOP = 'site.tour.stop';

/** Long before every window. */
const LONG_AGO = new Date('2025-01-01T00:00:00Z');

/** These models compute nothing over lines, so that moving a line stamps no header. */
describe('a line that moved by itself, where the BC that it moved to is read first', () => {
  let setup: TestSetup;
  let left = 0;
  let taker = 0;
  let line = 0;
  beforeEach(async () => {
    setup = await openTestSetup({
      sandbox: { documents: 0 },
      env: { ODOO_MODEL: TOUR, ODOO_LINE_MODEL: STOP },
    });
    const { odoo } = setup;
    const name = { type: 'char', string: 'Name' } as const;
    const stops = { type: 'one2many', string: 'Stops', relation: STOP, relation_field: 'tour' } as const;
    const tour = { type: 'many2one', string: 'Tour', relation: TOUR } as const;
    odoo.defineModel({ name: TOUR, description: 'Tour', fields: { name, stops } });
    odoo.defineModel({ name: STOP, description: 'Stop', fields: { name, tour } });
    const past = odoo.begin(LONG_AGO);
    left = past.create(TOUR, { name: 'Lundi' });
    taker = past.create(TOUR, { name: 'Mardi' });
    line = past.create(STOP, { name: 'Dépôt', tour: left });
    past.create(STOP, { name: 'Gare', tour: left });
    past.commit();
    await setup.work();
    await setup.run('full');
    await setup.run('incremental');
    const late = odoo.begin(LONG_AGO);
    late.write(STOP, [line], { tour: taker });
    late.commit();
    expect(await setup.run('single', [taker])).toMatchObject({ status: 'success', updated: 1 });
    expect(await stored(taker)).toMatchObject({ named: [line], lines: [line] });
  });
  afterEach(() => setup.close());

  const stored = async (id: number) => {
    const { client } = setup.database;
    const [header] = await client`select fields->'stops' as named, odoo_write_date is not null as dated
      from scrap_dimagaz_bc where odoo_id = ${id}`;
    const lines = await client`select odoo_id::int from scrap_dimagaz_bc_line where bc_odoo_id = ${id}`;
    return { ...header, lines: lines.map((row) => row['odoo_id']) };
  };

  it.each(['incremental', 'sweep', 'full'] as const)(
    'is gone from the one it left after the next %s run',
    async (mode) => {
      expect(await setup.run(mode)).toMatchObject({ status: 'success', updated: 1, late: 0 });
      const whole = setup.odoo.ids(STOP).filter((id) => id !== line);
      expect(await stored(left)).toEqual({ named: whole, dated: true, lines: whole });
      expect(await setup.run('incremental')).toMatchObject({ planned: 0 });
      expect(await setup.run('sweep')).toMatchObject({ planned: 0 });
    },
  );

  it('has the one it left looked for once by an incremental run, and archived by a sweep, when that is gone', async () => {
    setup.odoo.erase(TOUR, [left]);
    expect(await setup.run('incremental')).toMatchObject({ planned: 1, gone: 1 });
    expect(await setup.run('incremental')).toMatchObject({ planned: 0 });
    expect(await setup.run('sweep')).toMatchObject({ archived: 1 });
    expect(await setup.run('incremental')).toMatchObject({ planned: 0 });
  });
});
