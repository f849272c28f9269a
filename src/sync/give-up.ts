import { recordFailure } from '../db/failures.ts';
import { closeItems } from '../db/ledger.ts';
import { findRun } from '../db/runs.ts';
import { errorCode } from '../errors.ts';
import type { BcPayload } from '../queues/bc.ts';
import type { PagePayload } from '../queues/pages.ts';
import { advanceWhenPageIsDone, failRun } from './advance.ts';
import { isCancelled, isLockTimeout, isOutage, isPostgresAway } from './again.ts';
import { failureReason } from './culprit.ts';
import type { Mirror } from './mirror.ts';
import { isModelChange } from './model.ts';
import { withModel } from './model-watch.ts';
import { readsAnything } from './read.ts';

/** What no record can be the cause of: the account, the database, the model or the address. */
const SETTINGS_AT_FAULT: readonly string[] = [
  'odoo_bad_credentials',
  'odoo_unknown_database',
  'odoo_unknown_model',
  'odoo_wrong_url',
];

/** What brings PostgreSQL down whenever it is tried would be queued for ever. */
const MOST_GENERATIONS = 5;

/** PostgreSQL was away, a lock was not given, or a statement took too long: the work stays owed, and the watchdog queues it again. */
const staysOwed = (error: unknown, { generation }: BcPayload | PagePayload) =>
  isLockTimeout(error) || ((isPostgresAway(error) || isCancelled(error)) && generation < MOST_GENERATIONS);

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
  if (staysOwed(error, payload)) return;
  const run = await findRun(mirror.db, payload.runId);
  const inRun = run?.status === 'running' && run.leaseToken === payload.token;
  if (!inRun && mayBeOdoosFault(error)) return;
  if (inRun && (await isOdooAtFault(mirror, payload, error))) {
    await failRun(mirror, payload.runId, payload.token, error);
  } else await parkBc(mirror, payload, jobId, error);
}

/** What becomes of a page whose job failed for good: it ends its run, and what it owed is covered by the next one. */
export async function giveUpPage(mirror: Mirror, payload: PagePayload, error: unknown): Promise<void> {
  if (!staysOwed(error, payload)) await failRun(mirror, payload.runId, payload.token, error);
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
