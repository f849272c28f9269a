import { beginReading, endReading } from '../../db/documents/fetch-sequence.ts';
import { unreadLines } from '../../db/documents/stored-documents.ts';
import { installationOf } from '../../db/installation.ts';
import { resolveFailures } from '../../db/runs/failures.ts';
import { absentItems, addPageCalls, closeItems, openItems, splitPage } from '../../db/runs/ledger.ts';
import { findRun } from '../../db/runs/runs.ts';
import { enqueueBcs, type PagePayload } from '../../queues/jobs.ts';
import type { SyncContext } from '../context.ts';
import { isOutage, isRefusal } from '../error-policy.ts';
import { isModelChange } from '../model/document-model.ts';
import { withModel } from '../model/model-drift.ts';
import { advanceWhenPageIsDone } from '../runs/advance-run.ts';
import { CountedSource, type Source } from '../source/source.ts';
import { requireSource } from '../source/source-check.ts';
import type { DocumentModel } from '../types.ts';
import { batchSize, MAX_READING, pageByteBudget } from './batch-size.ts';
import { enqueueHandedOver, type PreparedJob, reference, toBcJob } from './handoff.ts';
import { type Blame, readDocuments, readsAnything } from './read-documents.ts';

/** `number` starts at 1; `last`: there is no further attempt. */
interface PageAttempt {
  readonly number: number;
  readonly last: boolean;
  /** Reading it seems to crash the worker: each job reads its own BC, so the cause is found. */
  readonly deadly?: boolean;
}

/** The pages after a split page are somewhat smaller, so that they need not be split again. */
const NEXT_SIZE = 0.8;

/**
 * Reads the open BCs of a page and queues one job for each. BCs beyond the byte budget of the page move to new pages.
 *
 * @returns how many BCs were queued, or `superseded` if the run is over or another worker holds its lease.
 */
export async function processPage(
  mirror: SyncContext,
  payload: PagePayload,
  attempt: PageAttempt,
): Promise<number | 'superseded'> {
  const { db } = mirror;
  const run = await findRun(db, payload.runId);
  if (run?.status !== 'running' || run.leaseToken !== payload.token) return 'superseded';
  const open = await openItems(db, payload.runId, payload.page);
  const source = new CountedSource(mirror.source);
  let queued = 0;
  try {
    await requireSource(mirror, source);
    const gone = await confirmDeleted(mirror, source, payload);
    const ids = open.filter((id) => !gone.has(id));
    queued = await readPage(mirror, source, payload, ids, attempt);
  } finally {
    await addPageCalls(db, payload.runId, payload.page, source.used);
  }
  await advanceWhenPageIsDone(mirror, payload);
  return queued;
}

/** Requests again, by id, what a sweep did not find: it may have been read during a change. */
async function confirmDeleted(
  mirror: SyncContext,
  source: Source,
  payload: PagePayload,
): Promise<ReadonlySet<number>> {
  const absent = await absentItems(mirror.db, payload.runId, payload.page);
  if (absent.length === 0) return new Set();
  const { fetchSeq } = await beginReading(mirror.db);
  const found = new Set(await source.ids(mirror.definition.model, { ids: absent }));
  const gone = absent.filter((id) => !found.has(id));
  await closeGone(mirror, payload, gone, fetchSeq);
  return new Set(gone);
}

/** Queues one job for each BC of the page that Odoo has. */
async function readPage(
  mirror: SyncContext,
  source: Source,
  payload: PagePayload,
  ids: readonly number[],
  attempt: PageAttempt,
): Promise<number> {
  if (ids.length === 0) return 0;
  if (attempt.deadly) {
    const jobs = ids.map((odooId) => ({ ...reference(payload), odooId }));
    await enqueueBcs(mirror.queues.bc, await installationOf(mirror.db), jobs, mirror.settings);
    return jobs.length;
  }
  // After a timeout the next attempt uses slices of half the size.
  const most = Math.ceil(ids.length / 2 ** (attempt.number - 1));
  return withModel(mirror, source, payload.runId, (model, again) => {
    const blame = {
      // Odoo does not know a field of the newest description: it is a fault of one record.
      mayBlame: (error: unknown) =>
        isRefusal(error) || (again && isModelChange(error)) || (attempt.last && isOutage(error)),
      probe: () => readsAnything(source, model, ids),
      tally: { read: 0, refused: 0 },
    };
    return readSlices(mirror, source, payload, { model, ids, most, blame });
  });
}

interface PageReading {
  readonly model: DocumentModel;
  readonly ids: readonly number[];
  /** BCs read at once. */
  readonly most: number;
  readonly blame: Blame;
}

/** Fetches slice by slice, so that memory holds one slice. BCs beyond the byte budget move to new pages. */
async function readSlices(
  mirror: SyncContext,
  source: Source,
  payload: PagePayload,
  { model, ids, most, blame }: PageReading,
): Promise<number> {
  const { db, settings } = mirror;
  let room = pageByteBudget(settings);
  let queued = 0;
  let left = ids;
  while (left.length > 0 && room >= MAX_READING) {
    const slice = left.slice(0, evenly(left.length, Math.min(most, batchSize(model, room))));
    const begun = await beginReading(db);
    const read = await readDocuments(source, model, slice, blame, (...read) => unreadLines(mirror, ...read));
    const reading = await endReading(db, begun);
    await closeGone(mirror, payload, read.missing, reading.fetchSeq);
    const jobs: PreparedJob[] = [
      ...read.documents.map((document) => toBcJob(payload, model, document, reading)),
      ...[...read.refused, ...read.unsettled].map((odooId) => ({
        payload: { ...reference(payload), odooId },
        kept: null,
      })),
    ];
    const fitting: PreparedJob[] = [];
    for (const one of jobs) {
      room -= one.payload.bytes ?? 0;
      if (room >= 0) fitting.push(one);
    }
    await enqueueHandedOver(mirror, payload, fitting);
    queued += fitting.length;
    left = [...jobs.slice(fitting.length).map((one) => one.payload.odooId), ...left.slice(slice.length)];
  }
  if (left.length > 0) await splitPage(db, payload, left, Math.ceil(queued * NEXT_SIZE));
  return queued;
}

/** As few slices as possible, of similar sizes, because each costs two calls to Odoo. */
const evenly = (items: number, most: number) => Math.ceil(items / Math.ceil(items / most));

/** Odoo no longer has them: their items and failures are closed. Sweeps and single runs archive them at their end. */
async function closeGone(
  { db, definition }: SyncContext,
  { runId, token }: PagePayload,
  odooIds: readonly number[],
  goneSeq: number,
): Promise<void> {
  if (odooIds.length === 0) return;
  await closeItems(db, { runId, token, odooIds, state: 'gone', goneSeq });
  await resolveFailures(db, definition.key, odooIds, runId);
}
