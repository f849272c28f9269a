import { readState } from '../../db/runs/lease.ts';
import type { HookBatch } from '../../queues/webhook-batches.ts';
import type { SyncContext } from '../context.ts';
import { describeDocument } from '../model/document-model.ts';
import { listRecords, ownersNowAndBefore } from '../planning/id-sources.ts';
import { requestRun } from '../request-run.ts';

/**
 * Requests a run for the records of a webhook batch: a single run of their BCs, or an incremental run if the batch
 * overflowed.
 *
 * @returns the id of the run; null if there is nothing to read; `later` while another run holds the lease that an
 * incremental run needs.
 */
export async function requestHooked(mirror: SyncContext, batch: HookBatch): Promise<number | null | 'later'> {
  const { db, queues, definition } = mirror;
  const run = { key: definition.key, trigger: 'hook' as const };
  if (batch.overflows) {
    if ((await readState(db, definition.key))?.held === true) return 'later';
    return (await requestRun(db, queues.sync, { ...run, mode: 'incremental' })).runId;
  }
  const odooIds = [...new Set([...batch.bcs, ...(await ownersOf(mirror, batch.lines))])];
  if (odooIds.length === 0) return null;
  return (await requestRun(db, queues.sync, { ...run, mode: 'single', odooIds })).runId;
}

/** The BCs of changed lines: for a moved line both, for a deleted line the old one, for a new line the one in Odoo. */
async function ownersOf(mirror: SyncContext, lines: readonly number[]): Promise<number[]> {
  const { source, definition } = mirror;
  if (lines.length === 0) return [];
  const { line, inverse } = await describeDocument(source, definition);
  const found = await listRecords(source, line.name, { ids: lines, limit: lines.length }, [inverse]);
  return ownersNowAndBefore(mirror, inverse, found, lines);
}
