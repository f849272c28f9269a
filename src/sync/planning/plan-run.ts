import { databaseClock } from '../../db/client.ts';
import { findDueForRetry } from '../../db/runs/failures.ts';
import { addItems, addPages, owedIds } from '../../db/runs/ledger.ts';
import { moveReread } from '../../db/runs/reread.ts';
import { beginPlan, endEmptyPlan, idleRun, type PlanNotes, updateRun } from '../../db/runs/runs.ts';
import type { SyncLogRow } from '../../db/schema/sync.ts';
import type { OdooServer } from '../../odoo/types.ts';
import type { SyncContext } from '../context.ts';
import type { DescribedModel } from '../model/document-model.ts';
import { noteModel, withModel } from '../model/model-drift.ts';
import { type LeasedRun, LeaseLostError, whilePlanning } from '../runs/run-lease.ts';
import type { OwnSource } from '../source/identity.ts';
import { CountedSource, type Source } from '../source/source.ts';
import { beginSource, checkSource } from '../source/source-check.ts';
import type { DocumentModel } from '../types.ts';
import { allHeaders, changedHeaders, NewestWrite } from './id-sources.ts';
import { planSweep } from './plan-sweep.ts';
import { type PlannerProgress, withPlannerLease } from './planner-progress.ts';
import type { Reread } from './reread.ts';
import { decideMode, nextWindow, type RunHistory, type RunPlan, readPast } from './run-mode.ts';

/** Starts work early. If it fails before it is awaited, the error is thrown at the await. */
function startEagerly<T>(work: Promise<T>): Promise<T> {
  work.catch(() => {});
  return work;
}

/** The same values, with the next one always requested ahead; the first at once. */
export function prefetch<T>(values: AsyncIterator<T>): AsyncGenerator<T> {
  const ask = () => startEagerly(values.next());
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
export async function* fromPromise<T>(value: () => Promise<T>): AsyncGenerator<T> {
  yield await value();
}

/** The values of all sources, one source after another. */
export async function* concat<T>(sources: readonly AsyncIterable<T>[]): AsyncGenerator<T> {
  for (const source of sources) yield* source;
}

/**
 * Writes the ledger of a run: every id to process, divided into pages. Nothing is queued here.
 *
 * The next window starts at the time of Odoo before the first id was listed.
 *
 * @returns `ended` if there was nothing to do and the run is over.
 * @throws LeaseLostError if another worker took the run meanwhile, or if the planner made no progress for too long; the
 * rows that it wrote remain.
 */
export async function planRun(mirror: SyncContext, run: LeasedRun): Promise<'planned' | 'ended'> {
  return withPlannerLease(mirror, run, (progress) => writePlan(mirror, run, progress));
}

interface Planning {
  readonly source: CountedSource;
  readonly progress: PlannerProgress;
  readonly server: OdooServer;
  readonly nowSync: Date;
  readonly model: DescribedModel;
  readonly past: RunHistory;
  readonly own: OwnSource;
}

async function writePlan(
  mirror: SyncContext,
  run: LeasedRun,
  progress: PlannerProgress,
): Promise<'planned' | 'ended'> {
  const source = new CountedSource(mirror.source, (call) => progress.during(call));
  const server = await source.connect();
  // `fields_get` may run in parallel. The list of ids may not, because the clock must be read first. Only the lease
  // holder reads the run history, so it cannot change.
  const clock = startEagerly(source.clock());
  const own = startEagerly(beginSource(mirror, source, run));
  const past = startEagerly(readPast(mirror));
  return withModel(
    mirror,
    source,
    run.id,
    async (model) =>
      writeLedger(mirror, run, {
        ...{ source, progress, server, model },
        ...{ nowSync: await clock, past: await past, own: await own },
      }),
    run.takenAt,
  );
}

async function writeLedger(
  mirror: SyncContext,
  run: LeasedRun,
  { source, progress, server, nowSync, model, past, own }: Planning,
): Promise<'planned' | 'ended'> {
  const { settings, log } = mirror;
  // Before the model is noted, because the views of the stored one would be replaced.
  await checkSource(mirror, source, run, model, { stored: past.state?.source ?? null, own });
  const modelChange = await noteModel(mirror, run.id, model, () => progress.step());
  const { overlapMs } = settings;
  progress.step();
  const decided = decideMode(run, { ...past, model, nowSync, modelChange, overlapMs });
  const { mode } = decided;
  const notes = { ...decided, nowSync, modelChange, protocol: server.protocol, odooVersion: server.version };
  log.info({ runId: run.id, ...decided, protocol: server.protocol, reason: server.reason }, 'planning');
  const newest = new NewestWrite();
  let reread: Reread = { documents: 0, after: null };
  if (run.newSource) await newest.ask(source, model);
  if (mode === 'sweep') {
    await begin(mirror, run, notes, progress);
    const next = nextWindow(past, nowSync, overlapMs);
    reread = await planSweep(mirror, run, { source, model, nowSync, next });
  } else {
    if (mode === 'full' && decided.since === null) await newest.ask(source, model);
    const wanted = { newest, odooIds: run.odooIds ?? [], lastAsked: past.left?.requestedAt ?? null };
    const found = idsOf(mirror, source, model, { ...decided, ...wanted });
    await begin(mirror, run, notes, progress);
    const isEmpty = (await writeItems(mirror, run, found, progress)) === 0;
    if (isEmpty && mode !== 'single')
      return endEmpty(mirror, run, { ...notes, newestWrite: newest.date, rpcCalls: source.used });
  }
  await whilePlanning(mirror, run, async ({ db: tx }) => {
    const planned = await addPages(tx, run.id);
    const plannedAt = await databaseClock(tx);
    const counts = { planned, reread: reread.documents, rpcCalls: source.used };
    await updateRun(tx, run.id, { ...counts, plannedAt, newestWrite: newest.date });
    // Not earlier: a plan that does not end must not pass over its share.
    if (reread.after !== null) await moveReread(tx, mirror.definition.key, reread.after);
  });
  return 'planned';
}

async function begin(
  { db }: SyncContext,
  run: LeasedRun,
  notes: PlanNotes,
  progress: PlannerProgress,
): Promise<void> {
  if (!(await beginPlan(db, run, notes))) throw new LeaseLostError(run.id);
  progress.ledgerBegun();
}

/** Most runs find nothing to do. */
async function endEmpty(
  { db, definition, log, onRunEnded }: SyncContext,
  run: LeasedRun,
  {
    mode,
    nowSync,
    modelChange,
    since,
    newestWrite,
    rpcCalls,
  }: Pick<SyncLogRow, 'mode' | 'modelChange' | 'since' | 'newestWrite' | 'rpcCalls'> & { nowSync: Date },
): Promise<'ended'> {
  const listed = { everything: since === null, newestWrite };
  const reached = { lastSync: nowSync, listed, rpcCalls, ...(mode === 'full' && { modelRead: modelChange }) };
  const durationMs = await endEmptyPlan(db, definition.key, run, reached);
  if (durationMs === null) throw new LeaseLostError(run.id);
  log.info({ runId: run.id, mode }, 'run ended');
  onRunEnded(idleRun({ mode, status: 'success', durationMs }));
  return 'ended';
}

/** Slices of ids. Their start time was requested before. */
function idsOf(
  mirror: SyncContext,
  source: Source,
  model: DocumentModel,
  wanted: RunPlan & {
    readonly odooIds: readonly number[];
    readonly lastAsked: Date | null;
    readonly newest: NewestWrite;
  },
): AsyncIterable<readonly number[]> {
  const { mode, since, continues, odooIds, lastAsked, newest } = wanted;
  if (mode === 'single') return fromPromise(async () => odooIds);
  const sources = [
    ...(continues === null ? [] : [owedIds(mirror.db, continues)]),
    ...(since === null ? [allHeaders(source, model)] : changedHeaders(source, mirror, model, since, newest)),
    fromPromise(() => findDueForRetry(mirror, mirror.definition.key, lastAsked)),
  ];
  return concat(sources.map((source) => prefetch(source)));
}

/** Memory holds one number for each planned id: some 20 MB for a million. */
async function writeItems(
  mirror: SyncContext,
  run: LeasedRun,
  slices: AsyncIterable<readonly number[]>,
  progress: PlannerProgress,
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
    if (items.length > 0) await whilePlanning(mirror, run, ({ db }) => addItems(db, run.id, items));
    progress.step();
  }
  return planned.size;
}
