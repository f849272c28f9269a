import type { Database } from '../../src/db/client.ts';
import { listRuns } from '../../src/db/runs/runs.ts';
import type { SyncLogRow } from '../../src/db/schema/sync.ts';
import { count } from './progress.ts';
import type { Stage } from './stage.ts';

const LOOK_EVERY_MS = 500;
const OUTCOMES = ['created', 'updated', 'unchanged', 'archived', 'gone', 'late', 'failed'] as const;

/** A run that is over, in one line, as sync_log has it. */
export function runLine(run: SyncLogRow): string {
  const seconds = ((run.durationMs ?? 0) / 1000).toFixed(1);
  const outcomes = OUTCOMES.filter((name) => run[name] > 0).map((name) => `${count(run[name])} ${name}`);
  const seen = `${count(run.seen)} BC and ${count(run.linesSeen)} lines in ${seconds} s`;
  return `run ${run.id} (${run.mode}) ${run.status}, ${[seen, ...outcomes].join(', ')}`;
}

/** Shows each run when it is over, until the end comes. */
export async function showRuns({ ending, screen }: Stage, db: Database): Promise<never> {
  let shown = (await listRuns(db, { limit: 1 }))[0]?.id ?? 0;
  for (;;) {
    const [last] = await listRuns(db, { limit: 1 });
    if (last !== undefined && last.id > shown && last.finishedAt !== null) {
      screen.status(`Last: ${runLine(last)}`);
      shown = last.id;
    }
    await ending.pause(LOOK_EVERY_MS);
  }
}
