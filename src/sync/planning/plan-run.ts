import { dueAgain } from '../../db/runs/failures.ts';
import { addItems, addPages, owedIds } from '../../db/runs/ledger.ts';
import { beginPlan, endEmptyPlan, idleRun, type PlanNotes, updateRun } from '../../db/runs/runs.ts';
import type { SyncLogRow } from '../../db/schema/sync.ts';
import { type CountedClient, countCalls } from '../../odoo/client.ts';
import type { OdooClient, OdooServer } from '../../odoo/types.ts';
import type { Mirror } from '../context.ts';
import type { DescribedModel } from '../model/document-model.ts';
import { noteModel, withModel } from '../model/model-drift.ts';
import { type HeldRun, LeaseLostError, whilePlanning } from '../runs/run-lease.ts';
import type { DocumentModel } from '../types.ts';
import { allHeaders, changedHeaders } from './id-sources.ts';
import { planSweep } from './plan-sweep.ts';
import { type Progress, whileMoving } from './planner-progress.ts';
import { type Decision, decideMode, nextWindow, type Past, readPast } from './run-mode.ts';

/** A promise that may fail before anybody waits for it: the error is told to who does. */
function begun<T>(work: Promise<T>): Promise<T> {
  work.catch(() => {});
  return work;
}

/** The same values, asked for one ahead of who takes them; the first at once. */
export function ahead<T>(values: AsyncIterator<T>): AsyncGenerator<T> {
  const ask = () => begun(values.next());
  return from(ask(), ask);
}

async function* from<T>(
  first: Promise<IteratorResult<T>>,
  ask: () => Promise<IteratorResult<T>>,
): AsyncGenerator<T> {
  for (let next = first; ; ) {
    const one = await next;
    if (one.done) return;
    next = ask();
    yield one.value;
  }
}

/** One value. */
export async function* alone<T>(value: () => Promise<T>): AsyncGenerator<T> {
  yield await value();
}

/** One after the other. */
export async function* inTurn<T>(sources: readonly AsyncIterable<T>[]): AsyncGenerator<T> {
  for (const source of sources) yield* source;
}

/**
 * Writes the ledger of a run: every id it owes, spread over pages. Nothing is queued here.
 *
 * The moment that the next window starts from is Odoo's clock, read before the first id.
 *
 * @returns `ended`: there was nothing to be done, and the run is over.
 * @throws LeaseLostError when another holder took the run meanwhile, or when the planner made no progress for too long;
 *   what it wrote stays as it is.
 */
export async function planRun(mirror: Mirror, run: HeldRun): Promise<'planned' | 'ended'> {
  return whileMoving(mirror, run, (progress) => writePlan(mirror, run, progress));
}

interface Planning {
  readonly odoo: CountedClient;
  readonly progress: Progress;
  readonly server: OdooServer;
  readonly nowSync: Date;
  readonly model: DescribedModel;
  readonly past: Past;
}

async function writePlan(mirror: Mirror, run: HeldRun, progress: Progress): Promise<'planned' | 'ended'> {
  const odoo = countCalls(mirror.odoo, (call) => progress.during(call));
  const server = await odoo.connect();
  // The model may be asked for meanwhile, ids may not. Who has the lease is alone with the past.
  const clock = begun(odoo.clock());
  const past = begun(readPast(mirror));
  return withModel(
    mirror,
    odoo,
    run.id,
    async (model) =>
      writeLedger(mirror, run, { odoo, progress, server, nowSync: await clock, model, past: await past }),
    run.takenAt,
  );
}

async function writeLedger(
  mirror: Mirror,
  run: HeldRun,
  { odoo, progress, server, nowSync, model, past }: Planning,
): Promise<'planned' | 'ended'> {
  const { settings, log } = mirror;
  const modelChange = await noteModel(mirror, run.id, model);
  const { overlapMs } = settings;
  progress.step();
  const decided = decideMode(run, { ...past, model, nowSync, modelChange, overlapMs });
  const { mode } = decided;
  const notes = { ...decided, nowSync, modelChange, protocol: server.protocol, odooVersion: server.version };
  log.info({ runId: run.id, ...decided, protocol: server.protocol, reason: server.reason }, 'planning');
  if (mode === 'sweep') {
    await begin(mirror, run, notes, progress);
    await planSweep(mirror, run, odoo, model, nextWindow(past, nowSync, overlapMs));
  } else {
    const wanted = { odooIds: run.odooIds ?? [], lastAsked: past.left?.requestedAt ?? null };
    const found = idsOf(mirror, odoo, model, { ...decided, ...wanted });
    await begin(mirror, run, notes, progress);
    const isEmpty = (await writeItems(mirror, run, found, progress)) === 0;
    if (isEmpty && mode !== 'single') return endEmpty(mirror, run, { ...notes, rpcCalls: odoo.used() });
  }
  await whilePlanning(mirror, run, async (tx) => {
    const planned = await addPages(tx, run.id);
    await updateRun(tx, run.id, { planned, plannedAt: new Date(), rpcCalls: odoo.used() });
  });
  return 'planned';
}

async function begin({ db }: Mirror, run: HeldRun, notes: PlanNotes, progress: Progress): Promise<void> {
  if (!(await beginPlan(db, run, notes))) throw new LeaseLostError(run.id);
  progress.ledgerBegun();
}

/** Most runs find nothing to do. */
async function endEmpty(
  { db, definition, log, onRunEnded }: Mirror,
  run: HeldRun,
  {
    mode,
    nowSync,
    modelChange,
    rpcCalls,
  }: Pick<SyncLogRow, 'mode' | 'modelChange' | 'rpcCalls'> & { nowSync: Date },
): Promise<'ended'> {
  const reached = { lastSync: nowSync, rpcCalls, ...(mode === 'full' && { modelRead: modelChange }) };
  const durationMs = await endEmptyPlan(db, definition.key, run, reached);
  if (durationMs === null) throw new LeaseLostError(run.id);
  log.info({ runId: run.id, mode }, 'run ended');
  onRunEnded(idleRun({ mode, status: 'success', durationMs }));
  return 'ended';
}

/** Slices of ids; what they are asked for by is under way already. */
function idsOf(
  { db, definition }: Mirror,
  odoo: OdooClient,
  model: DocumentModel,
  wanted: Decision & { readonly odooIds: readonly number[]; readonly lastAsked: Date | null },
): AsyncIterable<readonly number[]> {
  const { mode, since, continues, odooIds, lastAsked } = wanted;
  if (mode === 'single') return alone(async () => odooIds);
  const sources = [
    ...(continues === null ? [] : [owedIds(db, continues)]),
    ...(since === null ? [allHeaders(odoo, model)] : changedHeaders(odoo, db, model, since)),
    alone(() => dueAgain(db, definition.key, lastAsked)),
  ];
  return inTurn(sources.map((source) => ahead(source)));
}

/** Memory holds one number for each id planned so far: some 20 MB for a million. */
async function writeItems(
  mirror: Mirror,
  run: HeldRun,
  slices: AsyncIterable<readonly number[]>,
  progress: Progress,
): Promise<number> {
  const { pageSize } = mirror.settings;
  const planned = new Set<number>();
  for await (const slice of slices) {
    const fresh = [...new Set(slice)].filter((id) => !planned.has(id));
    const items = fresh.map((odooId, index) => ({
      odooId,
      page: Math.floor((planned.size + index) / pageSize),
    }));
    for (const id of fresh) planned.add(id);
    if (items.length > 0) await whilePlanning(mirror, run, (tx) => addItems(tx, run.id, items));
    progress.step();
  }
  return planned.size;
}
