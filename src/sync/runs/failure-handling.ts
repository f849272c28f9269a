import { recordFailure } from '../../db/runs/failures.ts';
import { closeItems, itemState } from '../../db/runs/ledger.ts';
import { findRun, lockRun } from '../../db/runs/runs.ts';
import type { SyncLogRow } from '../../db/schema/sync.ts';
import { OdooApplicationError } from '../../odoo/errors.ts';
import type { BcPayload, PagePayload } from '../../queues/jobs.ts';
import { errorCode, errorMessage } from '../../shared/errors.ts';
import type { SyncContext } from '../context.ts';
import {
  isCancelled,
  isLockTimeout,
  isOutage,
  isPostgresUnavailable,
  isRefusal,
  mayRefuseAll,
} from '../error-policy.ts';
import { readsAnything } from '../fetch/read-documents.ts';
import { describeDocument, isModelChange } from '../model/document-model.ts';
import { withModel } from '../model/model-drift.ts';
import type { Source } from '../source/source.ts';
import { tryToStore } from '../store/store-documents.ts';
import type { DocumentModel, MirroredModel } from '../types.ts';
import { advanceWhenPageIsDone, failRun } from './advance-run.ts';

/** Maximum of fields in a message; with more, the whole record is the cause. */
const MAX_NAMED = 3;

/**
 * The message why a BC failed, with record and field if Odoo's own sentence (`year 10000 is out of range`) names none.
 */
async function failureReason(
  { source, definition, log }: SyncContext,
  odooId: number,
  error: unknown,
): Promise<{ readonly code: string; readonly message: string }> {
  const reason = { code: errorCode(error), message: errorMessage(error) };
  if (!(error instanceof OdooApplicationError)) return reason;
  try {
    const culprit = await findUnreadableFields(source, await describeDocument(source, definition), odooId);
    return culprit === null ? reason : { ...reason, message: `${culprit} cannot be read. ${reason.message}` };
  } catch (trouble) {
    log.warn({ odooId, reason: errorMessage(trouble) }, 'looking for the field to blame');
    return reason;
  }
}

/**
 * Finds the part of a BC that Odoo refuses, such as `dimagaz.bc.line 59: price_unit`, by reading smaller and smaller
 * parts. Null if no single part is refused, or if the failure is not a refusal by Odoo.
 *
 * Odoo reads more fields than requested: the invalid value behind a related field of a line may belong to its BC.
 */
export async function findUnreadableFields(
  source: Source,
  { header, line, inverse }: DocumentModel,
  odooId: number,
): Promise<string | null> {
  const own = await refusedFields(source, header, odooId);
  if (own !== null) return own;
  const lines = await source.ids(line.name, { refersTo: { field: inverse, ids: [odooId] } });
  const bad = await firstRefused(lines, (ids) => reads(source, line, ids, line.requested));
  return bad === undefined ? null : refusedFields(source, line, bad);
}

async function refusedFields(source: Source, model: MirroredModel, id: number): Promise<string | null> {
  if (!(await reads(source, model, [id], ['id']))) return `${model.name} ${id}`;
  const named: string[] = [];
  for (let left = model.requested; named.length <= MAX_NAMED; ) {
    const field = await firstRefused(left, (fields) => reads(source, model, [id], fields));
    if (field === undefined) break;
    named.push(field);
    left = left.slice(left.indexOf(field) + 1);
  }
  if (named.length === 0) return null;
  return named.length > MAX_NAMED ? `${model.name} ${id}` : `${model.name} ${id}: ${named.join(', ')}`;
}

/** The first item that cannot be read, found by halving: `log2` calls of their number. */
async function firstRefused<T>(
  some: readonly T[],
  read: (part: readonly T[]) => Promise<boolean>,
): Promise<T | undefined> {
  if (some.length === 0 || (await read(some))) return undefined;
  let part = some;
  while (part.length > 1) {
    const half = part.slice(0, Math.ceil(part.length / 2));
    part = (await read(half)) ? part.slice(half.length) : half;
  }
  return part[0];
}

async function reads(
  source: Source,
  model: MirroredModel,
  ids: readonly number[],
  fields: readonly string[],
): Promise<boolean> {
  try {
    await source.read(model.name, ids, fields, { binSize: true });
    return true;
  } catch (error) {
    if (isRefusal(error)) return false;
    throw error;
  }
}

/** Errors that no single record can cause: account, database, model, address or other settings. */
const SETTINGS_AT_FAULT: readonly string[] = [
  'odoo_bad_credentials',
  'odoo_unknown_database',
  'odoo_unknown_model',
  'odoo_wrong_url',
  'source_changed',
  'reader_changed',
  'bad_field_policy',
];

/** A document that crashes PostgreSQL at each attempt would otherwise be queued forever. */
const MAX_GENERATIONS = 5;

/**
 * PostgreSQL was not available, a lock was not granted, or a statement took too long. The items stay open, and the
 * watchdog queues them again.
 */
const staysOwed = (error: unknown, { generation }: BcPayload | PagePayload) =>
  isLockTimeout(error) ||
  ((isPostgresUnavailable(error) || isCancelled(error)) && generation < MAX_GENERATIONS);

/**
 * Handles a BC whose job failed for the last time. It is parked, unless Odoo itself is unavailable or PostgreSQL stores
 * nothing at all: then the run fails and no BC is blamed. If the run is over or another worker holds it, the BC stays open in the ledger. A BC that is
 * stored already is not blamed: its worker died after the commit, or the next run was faster.
 */
export async function handleBcFailure(
  mirror: SyncContext,
  payload: BcPayload,
  jobId: string | null,
  error: unknown,
): Promise<void> {
  if (staysOwed(error, payload)) return;
  const isHeld = isHeldBy(await findRun(mirror.db, payload.runId), payload);
  if (!isHeld && mayBeOdoosFault(error)) return;
  if (isHeld && ((await isOdooAtFault(mirror, payload, error)) || (await isPostgresAtFault(mirror, error)))) {
    await failRun(mirror, payload.runId, payload.token, error);
  } else await parkBc(mirror, payload, jobId, error);
}

function isHeldBy(run: SyncLogRow | null, { token }: BcPayload): boolean {
  return run?.status === 'running' && run.leaseToken === token;
}

/** Handles a page whose job failed for the last time: the run fails, and the next run inherits its open items. */
export async function handlePageFailure(
  mirror: SyncContext,
  payload: PagePayload,
  error: unknown,
): Promise<void> {
  if (!staysOwed(error, payload)) await failRun(mirror, payload.runId, payload.token, error);
}

function mayBeOdoosFault(error: unknown): boolean {
  return isOutage(error) || isModelChange(error) || SETTINGS_AT_FAULT.includes(errorCode(error));
}

async function isOdooAtFault(
  mirror: SyncContext,
  { runId, odooId }: BcPayload,
  error: unknown,
): Promise<boolean> {
  if (!mayBeOdoosFault(error)) return false;
  if (SETTINGS_AT_FAULT.includes(errorCode(error))) return true;
  try {
    return await withModel(
      mirror,
      mirror.source,
      runId,
      async (model) => !(await readsAnything(mirror.source, model, [odooId])),
    );
  } catch (trouble) {
    // No record can be read with the fields that Odoo names, for example because its code is newer than its database.
    if (isModelChange(trouble)) return true;
    throw trouble;
  }
}

/** PostgreSQL refuses a made-up BC too: a migration or a right is missing, or the server is read-only. */
async function isPostgresAtFault(mirror: SyncContext, error: unknown): Promise<boolean> {
  if (!mayRefuseAll(error)) return false;
  try {
    await tryToStore(mirror, mirror.definition.key);
    return false;
  } catch (refusal) {
    return mayRefuseAll(refusal);
  }
}

/** Recorded as failed, retried by later runs, and no longer open in this one. */
async function parkBc(
  mirror: SyncContext,
  payload: BcPayload,
  jobId: string | null,
  error: unknown,
): Promise<void> {
  const { db, definition, log } = mirror;
  const { runId, odooId } = payload;
  const reason = await failureReason(mirror, odooId, error);
  const isParked = await db.transaction(async (tx) => {
    // The lock keeps the run from ending, so no other run takes over its open items meanwhile.
    const run = await lockRun(tx, runId);
    const state = await itemState(tx, runId, odooId);
    // `failed`: an administrator retried the job, which failed again.
    const isOwed = state === 'failed' || (state === 'open' && isHeldBy(run, payload));
    if (!isOwed) return false;
    await recordFailure(tx, { key: definition.key, odooId, runId, jobId, ...reason });
    await closeItems(tx, { runId, odooIds: [odooId], state: 'failed' });
    return true;
  });
  if (!isParked) return;
  log.error({ runId, odooId, ...reason }, 'BC failed');
  await advanceWhenPageIsDone(mirror, payload);
}
