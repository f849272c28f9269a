import { nextFetchSeq } from '../db/documents.ts';
import { resolveFailure } from '../db/failures.ts';
import { absentItems, addPageCalls, closeItems, openItems } from '../db/ledger.ts';
import { findRun } from '../db/runs.ts';
import type { OdooClient } from '../odoo/types.ts';
import { unstorableIn } from '../odoo/unstorable.ts';
import type { BcPayload } from '../queues/bc.ts';
import { enqueueBcs } from '../queues/bc.ts';
import type { PagePayload } from '../queues/pages.ts';
import { advanceWhenPageIsDone } from './advance.ts';
import { countCalls } from './calls.ts';
import type { Mirror } from './mirror.ts';
import { describeDocument } from './model.ts';
import type { ReadDocument } from './read.ts';
import { isOutage, isRefusal, readDocuments, readsAnything } from './read.ts';

/** A larger BC does not travel through Redis: its job reads it again. In characters of JSON. */
const LARGEST_PAYLOAD = 256 * 1024;

/** `number` from 1; `last`: there is no further attempt. */
export interface PageAttempt {
  readonly number: number;
  readonly last: boolean;
}

/**
 * Reads what a page still owes and queues one job for each BC.
 *
 * @returns how many BCs were queued, or `superseded` when the run is over or another holder has its lease.
 */
export async function processPage(
  mirror: Mirror,
  payload: PagePayload,
  attempt: PageAttempt,
): Promise<number | 'superseded'> {
  const { db, queues, settings } = mirror;
  const run = await findRun(db, payload.runId);
  if (run?.status !== 'running' || run.leaseToken !== payload.token) return 'superseded';
  const open = await openItems(db, payload.runId, payload.page);
  const odoo = countCalls(mirror.odoo);
  let jobs: BcPayload[] = [];
  try {
    const gone = await stillAbsent(mirror, odoo, payload);
    const ids = open.filter((id) => !gone.has(id));
    jobs = await readJobs(mirror, odoo, payload, ids, attempt);
  } finally {
    await addPageCalls(db, payload.runId, payload.page, odoo.used());
  }
  await enqueueBcs(queues.bc, jobs, settings);
  await advanceWhenPageIsDone(mirror, payload);
  return jobs.length;
}

/** Looks once more, by id, for what a sweep did not find: it may have been read while something changed. */
async function stillAbsent(
  mirror: Mirror,
  odoo: OdooClient,
  { runId, page }: PagePayload,
): Promise<ReadonlySet<number>> {
  const absent = await absentItems(mirror.db, runId, page);
  if (absent.length === 0) return new Set();
  const fetchSeq = await nextFetchSeq(mirror.db);
  const found = new Set(await odoo.search(mirror.definition.model, [['id', 'in', absent]]));
  const gone = absent.filter((id) => !found.has(id));
  await closeGone(mirror, runId, gone, fetchSeq);
  return new Set(gone);
}

/** One job for each BC of the page that Odoo has. */
async function readJobs(
  mirror: Mirror,
  odoo: OdooClient,
  payload: PagePayload,
  ids: readonly number[],
  attempt: PageAttempt,
): Promise<BcPayload[]> {
  const { db, definition } = mirror;
  const model = await mirror.models.of(payload.runId, () => describeDocument(odoo, definition));
  // A page that timed out comes back in smaller slices: half as many with each attempt.
  const size = Math.ceil(ids.length / 2 ** (attempt.number - 1));
  const blame = {
    mayBlame: (error: unknown) => isRefusal(error) || (attempt.last && isOutage(error)),
    probe: () => readsAnything(odoo, model, ids),
    tally: { read: 0, refused: 0 },
  };
  const jobs = [];
  for (let start = 0; start < ids.length; start += size) {
    const reading = { fetchSeq: await nextFetchSeq(db), fetchedAt: new Date().toISOString() };
    const read = await readDocuments(odoo, model, ids.slice(start, start + size), blame);
    await closeGone(mirror, payload.runId, read.missing, reading.fetchSeq);
    jobs.push(
      ...read.documents.map((document) => job(payload, document.header.id, { ...reading, ...document })),
    );
    jobs.push(...read.refused.map((odooId) => job(payload, odooId)));
  }
  return jobs;
}

function job(
  { runId, page, token, generation }: PagePayload,
  odooId: number,
  document?: ReadDocument & { fetchSeq: number; fetchedAt: string },
): BcPayload {
  const payload = { runId, page, token, generation, odooId };
  // What cannot be stored would not survive Redis either: the BC's job reads it, and says what is wrong.
  if (document === undefined || [document.header, ...document.lines].some(unstorableIn)) return payload;
  if (JSON.stringify(document).length > LARGEST_PAYLOAD) return payload;
  return { ...payload, document: { ...document, lines: [...document.lines] } };
}

/** Odoo no longer has them: nothing is owed, and nothing is failing any more. Sweeps and single runs archive it at their end. */
async function closeGone(
  { db, definition }: Mirror,
  runId: number,
  odooIds: readonly number[],
  goneSeq: number,
): Promise<void> {
  if (odooIds.length === 0) return;
  await closeItems(db, { runId, odooIds, state: 'gone', goneSeq });
  for (const odooId of odooIds) await resolveFailure(db, definition.key, odooId, runId);
}
