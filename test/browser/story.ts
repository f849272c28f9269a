import type { BrowserStage } from './stage.ts';

const BC = 'dimagaz.bc';
const LINE = 'dimagaz.bc.line';

/** The result of the prepared changes. */
export interface Told {
  /** BCs that Odoo refuses to read, until `lift` is called. */
  readonly refused: readonly [number, number];
  /** A BC with a history: fields changed, a line added, one changed, one removed. */
  readonly edited: number;
  /** A BC that is gone from Odoo. */
  readonly gone: number;
  readonly lift: () => void;
}

/** Some days of an office in a minute: a full run, edits, a deletion, a sweep, two BCs that cannot be read. */
export async function tellStory({ office }: BrowserStage): Promise<Told> {
  const { odoo } = office;
  const ids = odoo.ids(BC);
  const [first = 0, second = 0, edited = 0, gone = 0, ...others] = ids.slice(10);
  const lifts = [first, second].map((id) => odoo.faults.denyRecord(BC, id));
  await office.run('full');
  for (const [at, id] of others.slice(0, 12).entries()) {
    odoo.write(BC, others.slice(at, at * 3 + 1), { notes: `Relance n° ${at + 1}` });
    if (at % 4 === 0) odoo.create(LINE, { bc_id: id, name: 'Pose et réglage', quantity: 1, price_unit: 90 });
    await office.run('incremental');
  }
  await edit(odoo, edited);
  await office.run('incremental');
  odoo.unlink(BC, [gone]);
  await office.run('sweep');
  await office.run('incremental');
  const lift = () => {
    for (const end of lifts) end();
  };
  return { refused: [first, second], edited, gone, lift };
}

async function edit(odoo: BrowserStage['office']['odoo'], id: number): Promise<void> {
  const lines = odoo.ids(LINE).filter((line) => odoo.record(LINE, line)['bc_id'] === id);
  const [changed, removed] = lines;
  odoo.write(BC, [id], { state: 'confirmed', notes: 'À livrer avant midi, quai n° 3', urgent: true });
  if (changed !== undefined) odoo.write(LINE, [changed], { quantity: 12, price_unit: 41.5 });
  if (removed !== undefined) odoo.unlink(LINE, [removed]);
  odoo.create(LINE, { bc_id: id, name: 'Livraison express', quantity: 1, price_unit: 35 });
}
