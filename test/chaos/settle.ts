import type postgres from 'postgres';
import { depth } from '../../src/queues/queues.ts';
import type { TestMirror } from '../support/test-setup.ts';
import { waitFor } from '../support/wait-for.ts';
import { paced } from './pace.ts';
import type { WorkerProcesses } from './servers/worker-processes.ts';

const PATIENCE_MS = paced(150_000);

/** No run of the mirror `bc` starts by itself any more. */
const UNSCHEDULED = { SYNC_EVERY: 'off', SWEEP_EVERY: 'off', FULL_SYNC_CRON: 'off', PRUNE_EVERY: 'off' };

/**
 * Waits until the mirrors have recovered without further faults: each had one scheduled sweep and one scheduled
 * incremental run after it. Then failed BCs are offered again, and all work is finished.
 */
export async function settle(
  sql: postgres.Sql,
  mirrors: readonly TestMirror[],
  processes: WorkerProcesses,
  unscheduledFile: string,
): Promise<void> {
  processes.start();
  const [newest] = await sql<{ id: number }[]>`select coalesce(max(id), 0)::int as id from sync_log`;
  for (const { mirror } of mirrors) {
    const { key } = mirror.definition;
    const sweep = await scheduled(sql, key, 'sweep', newest?.id ?? 0);
    await scheduled(sql, key, 'incremental', sweep);
  }
  for (const testMirror of mirrors) await retryFailures(sql, testMirror);
  await waitFor(async () => (await openRuns(sql)) === 0, 'a moment without a run', PATIENCE_MS);
  const codes = await processes.dismiss();
  if (codes.some((code) => code !== 0))
    processes.collapsed.push(`SIGTERM ended workers with ${codes.join(', ')}`);
  processes.start({ ...UNSCHEDULED, MIRRORS_FILE: unscheduledFile });
  const queues = mirrors.flatMap(({ mirror: { queues } }) => [queues.sync, queues.pages, queues.bc]);
  await waitFor(
    async () => {
      if ((await openRuns(sql)) > 0) return false;
      const depths = await Promise.all(queues.map(depth));
      return depths.every((jobs) => jobs === 0);
    },
    'the last run and the last job to be over',
    PATIENCE_MS,
  );
}

/** The first run of a mode that a schedule started after run `after`, and that ended well. */
async function scheduled(
  sql: postgres.Sql,
  key: string,
  mode: 'incremental' | 'sweep',
  after: number,
): Promise<number> {
  return waitFor(
    async () => {
      const [run] = await sql<{ id: number }[]>`
        select id::int from sync_log where key = ${key} and id > ${after} and mode in (${mode}, 'full') and trigger = 'schedule'
          and status in ('success', 'partial') and (mode = ${mode} or ${mode} = 'incremental') order by id limit 1`;
      return run?.id;
    },
    `a scheduled ${mode} run of ${key} after run ${after} that ends well`,
    PATIENCE_MS,
  );
}

async function openRuns(sql: postgres.Sql): Promise<number> {
  const [row] = await sql<{ n: number }[]>`
    select count(*)::int as n from sync_log where status in ('queued', 'running')`;
  return row?.n ?? 0;
}

/** As a person does who sees them listed: scheduled runs would wait for a minute or more. */
async function retryFailures(sql: postgres.Sql, testMirror: TestMirror): Promise<void> {
  const rows = await sql<{ id: number }[]>`
    select odoo_id::int as id from sync_failure
    where key = ${testMirror.mirror.definition.key} and resolved_at is null order by 1`;
  if (rows.length === 0) return;
  await testMirror.run(
    'single',
    rows.map(({ id }) => id),
  );
}
