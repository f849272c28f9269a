import type { Database } from '../../db/client.ts';
import { beginReading, endReading } from '../../db/documents/fetch-sequence.ts';
import { unreadLines } from '../../db/documents/stored-documents.ts';
import type { MirrorStore } from '../../db/documents/tables.ts';
import { resolveFailures } from '../../db/runs/failures.ts';
import { getFencingState } from '../../db/runs/lease.ts';
import { closeItems } from '../../db/runs/ledger.ts';
import type { BcPayload } from '../../queues/jobs.ts';
import { PasserelleError } from '../../shared/errors.ts';
import type { SyncContext } from '../context.ts';
import { attachBinaryContents, ContentGoneError, contentBytes } from '../fetch/binaries.ts';
import { loadFetchedDocuments } from '../fetch/handoff.ts';
import { type Blame, readDocuments } from '../fetch/read-documents.ts';
import { withModel, withNewestModel } from '../model/model-drift.ts';
import { advanceWhenPageIsDone } from '../runs/advance-run.ts';
import { CountedSource, type Source } from '../source/source.ts';
import { requireSource } from '../source/source-check.ts';
import type { CommitOutcome, DocumentModel, PreparedDocument, StoreOutcome } from '../types.ts';
import { prepareDocument } from './normalize.ts';

/**
 * A fetch of the BC that ended later is already stored with other content. The BC changes often.
 *
 * @fix Nothing: the worker fetches the BC again.
 */
class StaleReadingError extends PasserelleError {
  readonly code = 'stale_reading';
  override readonly retryable = true;
  constructor(odooId: number) {
    super(`BC ${odooId}: a reading that ended later is stored already; it is read again.`);
  }
}

/**
 * Lines of the BC were deleted or moved while it was being fetched.
 *
 * @fix Nothing: the worker fetches the BC again.
 */
class UnsettledReadingError extends PasserelleError {
  readonly code = 'unsettled_reading';
  override readonly retryable = true;
  constructor(odooId: number) {
    super(`BC ${odooId}: lines of it were deleted or moved while it was read; it is read again.`);
  }
}

/** If a BC changes again at each of so many readings, the next attempt of its job reads it. */
const READINGS = 3;

/** The error of a single BC is its own, so nothing is halved. */
const NO_BLAME: Blame = { mayBlame: () => false, probe: async () => false, tally: { read: 0, refused: 0 } };

export type BcOutcome = StoreOutcome | 'gone' | 'superseded';

/**
 * Stores one BC, in a group with others that are stored at the same time. The first attempt uses the reading of the
 * page. Later attempts read Odoo again, so a retry stores the present content, also long after its run ended.
 */
export async function processBc(
  mirror: SyncContext,
  payload: BcPayload,
  attempt: number,
): Promise<BcOutcome> {
  const isGiven = attempt === 1 && payload.bytes !== undefined;
  const outcome = isGiven && !payload.apart ? await storeGiven(mirror, payload) : 'process_singly';
  if (outcome === 'stale') return processSingly(mirror, payload, false);
  if (outcome === 'process_singly') return processSingly(mirror, payload, isGiven);
  return outcome;
}

/** Stores the document that the page fetched. With `apart` or `stale` the caller must fetch it again. */
async function storeGiven(mirror: SyncContext, payload: BcPayload): Promise<CommitOutcome> {
  const { runId, page, token, odooId, bytes = 0 } = payload;
  const source = new CountedSource(mirror.source);
  return withModel(mirror, source, runId, (model) =>
    mirror.groups.add({ runId, page, token, odooId, rpcCalls: source.used, model, document: null }, bytes),
  );
}

async function storeReading(
  mirror: SyncContext,
  source: CountedSource,
  model: DocumentModel,
  { runId, page, token, odooId }: BcPayload,
  document: PreparedDocument,
): Promise<CommitOutcome> {
  const { contentMemory, groups } = mirror;
  const contents = contentBytes(document);
  const bytes = document.lines.reduce((sum, { json }) => sum + json.length, document.header.json.length);
  return contentMemory.run(contents, async () => {
    const completed = await attachBinaryContents(mirror, source, model, document);
    const account = { runId, page, token, odooId, rpcCalls: source.used };
    return groups.add({ ...account, model, document: completed }, contents + bytes);
  });
}

/** A BC whose run has ended or needs no lease, or whose content was not given. */
async function processSingly(mirror: SyncContext, payload: BcPayload, isGiven: boolean): Promise<BcOutcome> {
  const { runs, newestSeq } = await getFencingState(mirror.db, [payload.runId]);
  const run = runs.get(payload.runId);
  if (run?.status === 'running' && run.leaseToken !== payload.token) return 'superseded';
  const source = new CountedSource(mirror.source);
  await requireSource(mirror, source);
  const isFenced = run?.status === 'running' && run.mode !== 'single';
  return (isFenced ? withModel : withNewestModel)(mirror, source, payload.runId, async (model) => {
    const item = { ...payload, model };
    const given = isGiven ? (await loadFetchedDocuments(mirror, [item], newestSeq)).get(item) : undefined;
    return storeLatest(mirror, source, model, payload, given);
  });
}

async function storeLatest(
  mirror: SyncContext,
  source: CountedSource,
  model: DocumentModel,
  payload: BcPayload,
  given: PreparedDocument | undefined,
): Promise<BcOutcome> {
  const { odooId } = payload;
  for (let reading = 1; ; reading += 1) {
    try {
      const { document, goneSeq } =
        reading === 1 && given !== undefined
          ? { document: given, goneSeq: given.reading.fetchSeq }
          : await readAgain(mirror, source, model, odooId);
      if (document === null) {
        await noteGone(mirror, payload, goneSeq, source.used);
        return 'gone';
      }
      const outcome = await storeReading(mirror, source, model, payload, document);
      if (outcome !== 'stale' && outcome !== 'process_singly') return outcome;
      throw new StaleReadingError(odooId);
    } catch (error) {
      if (!isOvertaken(error) || reading === READINGS) throw error;
    }
  }
}

/** The BC changed after it was read, so it must be read again. */
function isOvertaken(error: unknown): boolean {
  return (
    error instanceof StaleReadingError ||
    error instanceof UnsettledReadingError ||
    error instanceof ContentGoneError
  );
}

async function noteGone(
  mirror: SyncContext,
  payload: BcPayload,
  goneSeq: number,
  rpcCalls: number,
): Promise<void> {
  const { db, definition } = mirror;
  const { runId, token, odooId } = payload;
  await closeItems(db, { runId, token, odooIds: [odooId], state: 'gone', goneSeq, rpcCalls });
  await resolveFailures(db, definition.key, [odooId], runId);
  await advanceWhenPageIsDone(mirror, payload);
}

/**
 * Reads one BC. A refusal is thrown as Odoo sent it. Null: Odoo does not have it, according to the reading `goneSeq`.
 */
async function readAgain(
  store: MirrorStore<Database>,
  source: Source,
  model: DocumentModel,
  odooId: number,
): Promise<{ readonly document: PreparedDocument | null; readonly goneSeq: number }> {
  const { db } = store;
  const begun = await beginReading(db);
  const { documents, unsettled } = await readDocuments(source, model, [odooId], NO_BLAME, (...read) =>
    unreadLines(store, ...read),
  );
  if (unsettled.length > 0) throw new UnsettledReadingError(odooId);
  const [document] = documents;
  const reading = await endReading(db, begun);
  return {
    document: document === undefined ? null : prepareDocument(model, document, reading),
    goneSeq: begun.fetchSeq,
  };
}
