import type { Database } from '../../src/db/client.ts';
import { readState } from '../../src/db/runs/lease.ts';
import { progress } from '../../src/db/runs/ledger.ts';
import { findRun, newestPlanned } from '../../src/db/runs/runs.ts';
import type { SyncLogRow } from '../../src/db/schema/sync.ts';
import { BC_KEY } from '../../src/db/schema/sync.ts';
import type { SyncQueue } from '../../src/queues/jobs.ts';
import { requestRun } from '../../src/sync/request-run.ts';
import type { Ending } from './ending.ts';
import { FirstSyncFailedError } from './errors.ts';
import { progressLine } from './progress.ts';

const LOOK_EVERY_MS = 250;

interface FirstSync {
  readonly db: Database;
  readonly queue: SyncQueue;
  readonly ending: Ending;
  readonly show: (text: string) => void;
}

/**
 * A full run to its end: the one asked for here, or the one that the worker's schedule started before.
 *
 * @throws FirstSyncFailedError
 */
export async function firstFullSync(sync: FirstSync): Promise<SyncLogRow> {
  for (;;) {
    const before = await newestPlanned(sync.db, BC_KEY);
    if (before?.mode === 'full' && (before.finishedAt ?? 0) >= STARTED) return succeeded(before);
    const asked = { key: BC_KEY, mode: 'full', trigger: 'cli' } as const;
    const { runId } = await requestRun(sync.db, sync.queue, asked);
    const run = await follow(sync, runId);
    if (run.status !== 'skipped') return succeeded(run);
    const holder = (await readState(sync.db, BC_KEY))?.leaseRunId ?? null;
    const other = holder === null ? null : await follow(sync, holder);
    if (other?.mode === 'full') return succeeded(other);
  }
}

/** Of the demo: data that a given database already holds is not its first sync. */
const STARTED = new Date(performance.timeOrigin);

function succeeded(run: SyncLogRow): SyncLogRow {
  if (run.status === 'failed') throw new FirstSyncFailedError(run.errorMessage);
  return run;
}

async function follow({ db, ending, show }: FirstSync, runId: number): Promise<SyncLogRow> {
  let begun: number | undefined;
  for (;;) {
    const run = await findRun(db, runId);
    if (run === null) throw new Error(`Run ${runId} is not in sync_log; the database was changed.`);
    if (run.finishedAt !== null) return run;
    if (run.plannedAt === null) {
      show('First full sync: planning');
    } else {
      begun ??= Date.now();
      const { open = 0 } = await progress(db, runId);
      show(progressLine(run.planned - open, run.planned, (Date.now() - begun) / 1000));
    }
    await ending.pause(LOOK_EVERY_MS);
  }
}
