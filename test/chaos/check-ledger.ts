import type postgres from 'postgres';
import type { Queues } from '../../src/queues/queues.ts';

/** Rows that must not be left at the end: jobs, leases, open runs and items, unreported failures. */
export async function checkLedger(sql: postgres.Sql, queues: Queues): Promise<string[]> {
  const problems = await jobsLeft(queues);
  const expectNone = async (what: string, query: postgres.PendingQuery<postgres.Row[]>) => {
    const found = await query;
    if (found.length > 0) problems.push(`${found.length} ${what}: ${JSON.stringify(found.slice(0, 3))}`);
  };
  await expectNone(
    'leases held',
    sql`select key, lease_run_id from sync_state where is_syncing or lease_run_id is not null`,
  );
  await expectNone(
    'runs not over',
    sql`select id, mode, status from sync_log where status in ('queued', 'running')`,
  );
  await expectNone(
    'runs that failed without a reason',
    sql`select id from sync_log where status = 'failed' and coalesce(error_code, '') = ''`,
  );
  await expectNone(
    'items open in runs that ended well',
    sql`select run_id, odoo_id from sync_run_item join sync_log on id = run_id
      where state = 'open' and status in ('success', 'partial')`,
  );
  await expectNone(
    'failed items without a failure',
    sql`select run_id, odoo_id from sync_run_item as item where state = 'failed'
      and not exists (select 1 from sync_failure as failure where failure.odoo_id = item.odoo_id)`,
  );
  await expectNone(
    'failures of BCs that can be read again',
    sql`select odoo_id, code, message from sync_failure where resolved_at is null`,
  );
  await expectNone('doubled BCs', sql`select odoo_id from scrap_dimagaz_bc group by 1 having count(*) > 1`);
  await expectNone(
    'doubled lines',
    sql`select odoo_id from scrap_dimagaz_bc_line group by 1 having count(*) > 1`,
  );
  return problems;
}

async function jobsLeft(queues: Queues): Promise<string[]> {
  const problems: string[] = [];
  for (const queue of [queues.sync, queues.pages, queues.bc]) {
    const counts = await queue.getJobCounts(
      'waiting',
      'active',
      'delayed',
      'prioritized',
      'waiting-children',
    );
    const left = Object.entries(counts).filter(([, count]) => count > 0);
    if (left.length > 0)
      problems.push(`jobs left in ${queue.name}: ${JSON.stringify(Object.fromEntries(left))}`);
  }
  return problems;
}
