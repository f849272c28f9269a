import { dueFailures, endPauses } from '../../db/runs/failures.ts';
import { addItems } from '../../db/runs/ledger.ts';
import {
  addOwners,
  compareHeaders,
  type DifferingLine,
  differingLines,
  type Listed,
  numberPages,
  type Slice,
  type Sweep,
} from '../../db/runs/sweep.ts';
import { odooDateTime } from '../../odoo/fields.ts';
import type { OdooRecord } from '../../odoo/types.ts';
import type { SyncContext } from '../context.ts';
import { headerOf, ofAnyBc } from '../model/document-model.ts';
import { type LeasedRun, whilePlanning } from '../runs/run-lease.ts';
import type { Selection, Source } from '../source/source.ts';
import type { DocumentModel, MirroredModel } from '../types.ts';
import { listRecords, readable } from './id-sources.ts';
import { addRereads, type Reread } from './reread.ts';
import type { RunPlan } from './run-mode.ts';

/** Ids and dates are small: a slice holds those of this many pages. */
const PAGES_PER_SLICE = 20;

/** The inputs of a sweep. */
interface Sweeping {
  readonly source: Source;
  readonly model: DocumentModel;
  readonly nowSync: Date;
  /** The window of the next incremental run. */
  readonly next: Pick<RunPlan, 'since' | 'continues'>;
}

/**
 * Compares `(id, write_date)` of every header and line with the mirror and writes the differences into the ledger of a
 * sweep, and the BCs that it reads again without one. PostgreSQL compares; memory holds one slice, whatever the size of
 * the model.
 *
 * A BC counts as late if it differs, was written before the window of the `next` run, and has no open failure.
 *
 * A run with `newSource` reads every BC that Odoo lists, because equal ids and dates prove nothing between two sources.
 * None of them counts as late.
 *
 * @throws LeaseLostError, and the errors of the Odoo client: an incomplete sweep archives nothing.
 */
export async function planSweep(
  mirror: SyncContext,
  run: LeasedRun,
  { source, model, nowSync, next }: Sweeping,
): Promise<Reread> {
  const { settings, definition } = mirror;
  const sweep: Sweep = {
    key: definition.key,
    runId: run.id,
    windowStart: next.since === null || run.newSource ? null : odooDateTime(next.since),
    owing: next.continues,
    everything: run.newSource,
  };
  if (run.newSource) await whilePlanning(mirror, run, ({ db }) => endPauses(db, definition.key));
  const size = settings.pageSize * PAGES_PER_SLICE;
  for await (const slice of slices(source, model.header, {}, size)) {
    await whilePlanning(mirror, run, (store) => compareHeaders(store, sweep, slice));
  }
  for await (const slice of slices(source, model.line, ofAnyBc(model), size)) {
    const differing = await whilePlanning(mirror, run, (store) => differingLines(store, sweep, slice));
    const headers = await headersOf(source, model, differing);
    await whilePlanning(mirror, run, (store) => addOwners(store, sweep, slice, differing, headers));
  }
  const due = await dueFailures(mirror.db, definition.key);
  const retries = due.map((odooId) => ({ odooId, page: 0 }));
  await whilePlanning(mirror, run, ({ db }) => addItems(db, run.id, retries));
  const reread = await addRereads(mirror, run, { source, model, nowSync, sweep });
  await whilePlanning(mirror, run, ({ db }) => numberPages(db, run.id, settings.pageSize));
  return reread;
}

/** Every id of a model, ascending, without gaps between slices. The last slice is empty and reaches to the end. */
async function* slices(
  source: Source,
  model: MirroredModel,
  selection: Selection,
  size: number,
): AsyncGenerator<Slice> {
  for (let after = 0; ; ) {
    const listed = await list(source, model, { ...selection, after, limit: size });
    const upTo = listed.reduce((most, { id }) => Math.max(most, id), 0);
    yield { listed, after, upTo: listed.length === 0 ? Number.MAX_SAFE_INTEGER : upTo };
    if (listed.length === 0) return;
    after = upTo;
  }
}

async function list(source: Source, model: MirroredModel, selection: Selection): Promise<Listed[]> {
  const fields = model.requested.includes('write_date') ? ['write_date'] : ['id'];
  return (await listRecords(source, model.name, selection, fields)).map(dated);
}

function dated({ id, write_date: date }: OdooRecord): Listed {
  return { id, writeDate: typeof date === 'string' ? date : null };
}

/** The BCs of these lines in Odoo now. A line that was deleted meanwhile has none. */
async function headersOf(
  source: Source,
  { line, inverse }: DocumentModel,
  differing: readonly DifferingLine[],
): Promise<DifferingLine[]> {
  if (differing.length === 0) return [];
  const late = new Map(differing.map((one) => [one.id, one.late]));
  const records = await readable(source, line.name, [...late.keys()], [inverse]);
  return records.flatMap((record) => {
    const id = headerOf(record, inverse);
    return id === null ? [] : [{ id, late: late.get(record.id) ?? false }];
  });
}
