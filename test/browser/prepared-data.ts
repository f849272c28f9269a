import type { DashboardSetup } from './dashboard-setup.ts';

const BC = 'dimagaz.bc';
const LINE = 'dimagaz.bc.line';

/** The result of the prepared changes. */
export interface PreparedData {
  /** BCs that Odoo refuses to read, until `lift` is called. */
  readonly refused: readonly [number, number];
  /** A BC with a history: fields changed, a line added, one changed, one removed. */
  readonly edited: number;
  /** A BC that is gone from Odoo. */
  readonly gone: number;
  readonly lift: () => void;
}

/** Some days of an setup in a minute: a full run, edits, a deletion, a sweep, two BCs that cannot be read. */
export async function prepareData({ setup }: DashboardSetup): Promise<PreparedData> {
  const { odoo } = setup;
  const ids = odoo.ids(BC);
  const [first = 0, second = 0, edited = 0, gone = 0, ...others] = ids.slice(10);
  const lifts = [first, second].map((id) => odoo.faults.denyRecord(BC, id));
  await setup.run('full');
  for (const [at, id] of others.slice(0, 12).entries()) {
    odoo.write(BC, others.slice(at, at * 3 + 1), { notes: `Relance n° ${at + 1}` });
    if (at % 4 === 0) odoo.create(LINE, { bc_id: id, name: 'Pose et réglage', quantity: 1, price_unit: 90 });
    await setup.run('incremental');
  }
  await edit(odoo, edited);
  await setup.run('incremental');
  odoo.unlink(BC, [gone]);
  await setup.run('sweep');
  await setup.run('incremental');
  const lift = () => {
    for (const end of lifts) end();
  };
  return { refused: [first, second], edited, gone, lift };
}

async function edit(odoo: DashboardSetup['setup']['odoo'], id: number): Promise<void> {
  const lines = odoo.ids(LINE).filter((line) => odoo.record(LINE, line)['bc_id'] === id);
  const [changed, removed] = lines;
  odoo.write(BC, [id], { state: 'confirmed', notes: 'À livrer avant midi, quai n° 3', urgent: true });
  if (changed !== undefined) odoo.write(LINE, [changed], { quantity: 12, price_unit: 41.5 });
  if (removed !== undefined) odoo.unlink(LINE, [removed]);
  odoo.create(LINE, { bc_id: id, name: 'Livraison express', quantity: 1, price_unit: 35 });
}
