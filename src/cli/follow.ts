import { progress as itemsByState } from '../db/ledger.ts';
import { findRun } from '../db/runs.ts';
import type { SyncLogRow } from '../db/schema/sync.ts';
import { delay } from '../retry.ts';
import type { Mirror } from '../sync/mirror.ts';
import type { Io } from './io.ts';
import { createProgress, createRate } from './progress.ts';
import type { Workforce } from './workforce.ts';

const LOOK_EVERY_MS = 100;
/** Counting the items of a large run costs more than looking at the run. */
const COUNT_EVERY_MS = 1000;

export function isOver({ status }: Pick<SyncLogRow, 'status'>): boolean {
  return status !== 'queued' && status !== 'running';
}

/** Watches a run in the log until it is over, or until `signal`; returns its row as it stands then. */
export async function followRun(
  { mirror, workforce, io }: { mirror: Mirror; workforce: Workforce; io: Io },
  runId: number,
  signal: AbortSignal,
): Promise<SyncLogRow> {
  const line = createProgress(io);
  const describe = describer(mirror);
  try {
    for (;;) {
      const run = await findRun(mirror.db, runId);
      if (run === null) throw new Error(`Run ${runId} is not in sync_log; the database was changed.`);
      if (isOver(run) || signal.aborted) return run;
      await workforce.ensure();
      if (io.stderr.isTTY === true) line.show(await describe(run));
      await delay(LOOK_EVERY_MS, signal).catch(() => {});
    }
  } finally {
    line.clear();
  }
}

function describer({ db }: Mirror): (run: SyncLogRow) => Promise<string> {
  const rate = createRate();
  let text = '';
  let nextCount = 0;
  return async (run) => {
    const title = `Run ${run.id} (${run.mode})`;
    if (run.status === 'queued') return `${title}: waiting for a worker`;
    if (run.plannedAt === null) return `${title}: planning`;
    if (Date.now() < nextCount) return text;
    nextCount = Date.now() + COUNT_EVERY_MS;
    const { open = 0, failed = 0 } = await itemsByState(db, run.id);
    const done = run.planned - open;
    const parts = [
      `${count(done)} of ${count(run.planned)} BC`,
      rate(done),
      failed > 0 && `${failed} failed`,
    ];
    text = `${title}: ${parts.filter(Boolean).join(', ')}`;
    return text;
  };
}

export function count(value: number): string {
  return value.toLocaleString('en');
}
