import { dueFailures } from '../db/failures.ts';
import { addItems } from '../db/ledger.ts';
import type { DifferingLine, Listed, Slice, Sweep } from '../db/sweep.ts';
import { addOwners, compareHeaders, differingLines, numberPages } from '../db/sweep.ts';
import type { Domain, OdooClient, OdooRecord } from '../odoo/types.ts';
import type { HeldRun } from './hold.ts';
import { whilePlanning } from './hold.ts';
import { headerOf } from './ids.ts';
import type { Mirror } from './mirror.ts';
import type { Decision } from './mode.ts';
import type { DocumentModel, MirroredModel } from './model.ts';
import { isRefusal } from './read.ts';
import { odooDateTime } from './window.ts';

/** Ids and dates are small: a slice holds those of this many pages. */
const PAGES_PER_SLICE = 20;

/** So many refusals without one success: the trouble is Odoo's, not the records'. */
const REFUSED_AT_MOST = 16;

/**
 * Compares `(id, write_date)` of every header and line with the mirror and writes what differs into the ledger of a
 * sweep. Memory holds one slice, whatever the size of the model; the comparing is PostgreSQL's.
 *
 * `next`: what was written before its window, differs, and is not owed to it either is counted as late.
 *
 * @throws LeaseLostError, and what the Odoo client throws: a sweep that did not see everything archives nothing.
 */
export async function planSweep(
  mirror: Mirror,
  run: HeldRun,
  odoo: OdooClient,
  model: DocumentModel,
  next: Pick<Decision, 'since' | 'continues'>,
): Promise<void> {
  const { settings, definition } = mirror;
  const sweep: Sweep = {
    key: definition.key,
    runId: run.id,
    windowStart: next.since === null ? null : odooDateTime(next.since),
    owing: next.continues,
  };
  const size = settings.pageSize * PAGES_PER_SLICE;
  for await (const slice of slices(odoo, model.header, [], size)) {
    await whilePlanning(mirror, run, (tx) => compareHeaders(tx, sweep, slice));
  }
  // A line without a BC is part of no document: it is not mirrored.
  for await (const slice of slices(odoo, model.line, [[model.inverse, '!=', false]], size)) {
    const differing = await whilePlanning(mirror, run, (tx) => differingLines(tx, sweep, slice));
    const headers = await headersOf(odoo, model, differing);
    await whilePlanning(mirror, run, (tx) => addOwners(tx, sweep, slice, differing, headers));
  }
  const due = await dueFailures(mirror.db, definition.key);
  await whilePlanning(mirror, run, async (tx) => {
    await addItems(
      tx,
      run.id,
      due.map((odooId) => ({ odooId, page: 0 })),
    );
    await numberPages(tx, run.id, settings.pageSize);
  });
}

/** Every id of a model, ascending, without a gap between slices; the last slice is empty and reaches to the end. */
async function* slices(
  odoo: OdooClient,
  model: MirroredModel,
  domain: Domain,
  size: number,
): AsyncGenerator<Slice> {
  for (let after = 0; ; ) {
    const listed = await list(odoo, model, [...domain, ['id', '>', after]], size);
    const upTo = listed.reduce((most, { id }) => Math.max(most, id), 0);
    yield { listed, after, upTo: listed.length === 0 ? Number.MAX_SAFE_INTEGER : upTo };
    if (listed.length === 0) return;
    after = upTo;
  }
}

async function list(
  odoo: OdooClient,
  model: MirroredModel,
  domain: Domain,
  limit: number,
): Promise<Listed[]> {
  const fields = model.requested.includes('write_date') ? ['write_date'] : ['id'];
  const options = { order: 'id', limit };
  try {
    return (await odoo.searchRead(model.name, domain, { fields, ...options })).map(dated);
  } catch (error) {
    if (!isRefusal(error)) throw error;
  }
  // One record that Odoo lists and refuses to hand over fails the whole answer: the rest is read without it.
  const ids = await odoo.search(model.name, domain, options);
  const records = new Map((await readable(odoo, model, ids, fields)).map((record) => [record.id, record]));
  return ids.map((id) => dated(records.get(id) ?? { id }));
}

/** What Odoo hands over of some records, found by halving. */
async function readable(
  odoo: OdooClient,
  model: MirroredModel,
  ids: readonly number[],
  fields: readonly string[],
  tally = { read: 0, refused: 0 },
): Promise<OdooRecord[]> {
  if (ids.length === 0) return [];
  try {
    const records = await odoo.read(model.name, ids, { fields });
    tally.read += 1;
    return records;
  } catch (error) {
    if (!isRefusal(error) || (tally.read === 0 && tally.refused >= REFUSED_AT_MOST)) throw error;
    if (ids.length === 1) {
      tally.refused += 1;
      return [];
    }
  }
  const middle = Math.ceil(ids.length / 2);
  const first = await readable(odoo, model, ids.slice(0, middle), fields, tally);
  return [...first, ...(await readable(odoo, model, ids.slice(middle), fields, tally))];
}

function dated({ id, write_date: date }: OdooRecord): Listed {
  return { id, writeDate: typeof date === 'string' ? date : null };
}

/** The BCs that Odoo gives these lines now. One that was deleted meanwhile has none. */
async function headersOf(
  odoo: OdooClient,
  { line, inverse }: DocumentModel,
  differing: readonly DifferingLine[],
): Promise<DifferingLine[]> {
  if (differing.length === 0) return [];
  const late = new Map(differing.map((one) => [one.id, one.late]));
  const records = await readable(odoo, line, [...late.keys()], [inverse]);
  return records.flatMap((record) => {
    const id = headerOf(record, inverse);
    return id === null ? [] : [{ id, late: late.get(record.id) ?? false }];
  });
}
