import type { Database } from '../db/connection.ts';
import { nextFetchSeq } from '../db/documents.ts';
import { recordFailure, resolveFailure } from '../db/failures.ts';
import { closeItems } from '../db/ledger.ts';
import { findRun } from '../db/runs.ts';
import { bc, bcLine } from '../db/schema/documents.ts';
import { errorCode } from '../errors.ts';
import type { OdooClient, OdooRecord } from '../odoo/types.ts';
import type { BcPayload, DocumentPayload } from '../queues/bc.ts';
import { advanceWhenPageIsDone, failRun } from './advance.ts';
import { binarySizes, ContentGoneError, fillBinaries } from './binaries.ts';
import type { CountedClient } from './calls.ts';
import { countCalls } from './calls.ts';
import type { PreparedDocument } from './compare.ts';
import { failureReason } from './culprit.ts';
import type { Mirror } from './mirror.ts';
import type { DocumentModel, MirroredModel } from './model.ts';
import { isModelChange, isReadBy } from './model.ts';
import { withModel, withNewestModel } from './model-watch.ts';
import { prepare } from './prepare.ts';
import type { Blame } from './read.ts';
import { isOutage, readDocuments, readsAnything } from './read.ts';
import { promisedInAll } from './size-text.ts';
import type { StoreOutcome } from './store.ts';
import { StaleReadingError, storeDocument } from './store.ts';

/** A BC that keeps changing under our hands is left to the job's next attempt after this many readings. */
const READINGS = 3;

/** A single BC's error is its own: nothing is halved. */
const NO_BLAME: Blame = { mayBlame: () => false, probe: async () => false, tally: { read: 0, refused: 0 } };

export type BcOutcome = StoreOutcome | 'gone' | 'superseded';

/**
 * Stores one BC. The first attempt takes what the page read; every later one reads Odoo again, so that a retry,
 * also one pressed long after its run ended, stores today's content.
 */
export async function processBc(mirror: Mirror, payload: BcPayload, attempt: number): Promise<BcOutcome> {
  const run = await findRun(mirror.db, payload.runId);
  if (run?.status === 'running' && run.leaseToken !== payload.token) return 'superseded';
  const odoo = countCalls(mirror.odoo);
  const given = attempt === 1 ? payload.document : undefined;
  const isFenced = run?.status === 'running' && run.mode !== 'single';
  const outcome = await (isFenced ? withModel : withNewestModel)(mirror, odoo, payload.runId, (model) =>
    storeLatest(mirror, odoo, model, payload, given && isReadBy(model, given) ? given : undefined),
  );
  await advanceWhenPageIsDone(mirror, payload);
  return outcome;
}

async function storeLatest(
  mirror: Mirror,
  odoo: CountedClient,
  model: DocumentModel,
  { runId, odooId }: BcPayload,
  given: DocumentPayload | undefined,
): Promise<StoreOutcome | 'gone'> {
  const { db, definition } = mirror;
  for (let reading = 1; ; reading += 1) {
    const { document, goneSeq } =
      reading === 1 && given !== undefined
        ? { document: given, goneSeq: given.fetchSeq }
        : await readAgain(db, odoo, model, odooId);
    if (document === null) {
      await closeItems(db, { runId, odooIds: [odooId], state: 'gone', goneSeq, rpcCalls: odoo.used() });
      await resolveFailure(db, definition.key, odooId, runId);
      return 'gone';
    }
    try {
      return await mirror.room.hold(contentBytes(model, document), async () => {
        const complete = await completed(mirror, odoo, model, document);
        return storeDocument(db, model, complete, { key: definition.key, runId, rpcCalls: odoo.used() });
      });
    } catch (error) {
      if (!isOvertaken(error) || reading === READINGS) throw error;
    }
  }
}

/** The BC went on changing after it was read: reading it again helps. */
function isOvertaken(error: unknown): boolean {
  return error instanceof StaleReadingError || error instanceof ContentGoneError;
}

/** What the contents of a BC will weigh in memory. */
function contentBytes({ header, line }: DocumentModel, document: DocumentPayload): number {
  const lines = document.lines.map((record) => promisedInAll(binarySizes(record, line)));
  return lines.reduce((sum, bytes) => sum + bytes, promisedInAll(binarySizes(document.header, header)));
}

/** Reads one BC; a refusal is thrown as Odoo gave it. Null: Odoo does not have it, as of the reading `goneSeq`. */
async function readAgain(
  db: Database,
  odoo: OdooClient,
  model: DocumentModel,
  odooId: number,
): Promise<{ readonly document: DocumentPayload | null; readonly goneSeq: number }> {
  const fetchSeq = await nextFetchSeq(db);
  const reading = { fetchSeq, fetchedAt: new Date().toISOString() };
  const { documents } = await readDocuments(odoo, model, [odooId], NO_BLAME);
  const [document] = documents;
  return {
    document:
      document === undefined ? null : { ...reading, header: document.header, lines: [...document.lines] },
    goneSeq: fetchSeq,
  };
}

async function completed(
  { db }: Mirror,
  odoo: OdooClient,
  model: DocumentModel,
  { header, lines, fetchSeq, fetchedAt }: DocumentPayload,
): Promise<PreparedDocument> {
  const [full = header] = await fillBinaries(db, odoo, { model: model.header, table: bc }, [header]);
  const fullLines = await fillBinaries(db, odoo, { model: model.line, table: bcLine }, lines);
  const ready = (of: MirroredModel, record: OdooRecord, read: OdooRecord) =>
    prepare(of.name, record, binarySizes(read, of));
  return {
    header: ready(model.header, full, header),
    lines: fullLines.map((line, index) => ready(model.line, line, lines[index] ?? line)),
    reading: { fetchSeq, fetchedAt },
  };
}

/** What no record can be the cause of: the account, the database, the model or the address. */
const SETTINGS_AT_FAULT: readonly string[] = [
  'odoo_bad_credentials',
  'odoo_unknown_database',
  'odoo_unknown_model',
  'odoo_wrong_url',
];

/**
 * What becomes of a BC whose job failed for good. It is parked, unless Odoo as a whole cannot be used: then its run
 * fails instead, and no BC is blamed. Where the run is over, or another holder's, the BC stays owed by its ledger,
 * and whoever carries on reads it.
 */
export async function giveUpBc(
  mirror: Mirror,
  payload: BcPayload,
  jobId: string | null,
  error: unknown,
): Promise<void> {
  const run = await findRun(mirror.db, payload.runId);
  const inRun = run?.status === 'running' && run.leaseToken === payload.token;
  if (!inRun && mayBeOdoosFault(error)) return;
  if (inRun && (await isOdooAtFault(mirror, payload, error))) {
    await failRun(mirror, payload.runId, payload.token, error);
  } else await parkBc(mirror, payload, jobId, error);
}

function mayBeOdoosFault(error: unknown): boolean {
  return isOutage(error) || isModelChange(error) || SETTINGS_AT_FAULT.includes(errorCode(error));
}

async function isOdooAtFault(mirror: Mirror, { runId, odooId }: BcPayload, error: unknown): Promise<boolean> {
  if (!mayBeOdoosFault(error)) return false;
  if (SETTINGS_AT_FAULT.includes(errorCode(error))) return true;
  try {
    return await withModel(
      mirror,
      mirror.odoo,
      runId,
      async (model) => !(await readsAnything(mirror.odoo, model, [odooId])),
    );
  } catch (trouble) {
    // No record can be read with the fields that Odoo names: its code is newer than its database, say.
    if (isModelChange(trouble)) return true;
    throw trouble;
  }
}

/** Listed, offered again by later runs, and no longer owed by this one. */
async function parkBc(
  mirror: Mirror,
  payload: BcPayload,
  jobId: string | null,
  error: unknown,
): Promise<void> {
  const { db, definition, log } = mirror;
  const { runId, odooId } = payload;
  const reason = await failureReason(mirror, odooId, error);
  await db.transaction(async (tx) => {
    await recordFailure(tx, { key: definition.key, odooId, runId, jobId, ...reason });
    await closeItems(tx, { runId, odooIds: [odooId], state: 'failed' });
  });
  log.error({ runId, odooId, ...reason }, 'BC failed');
  await advanceWhenPageIsDone(mirror, payload);
}
