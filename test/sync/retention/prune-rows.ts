import { readConfig } from '../../../src/config/index.ts';
import { openQueues } from '../../../src/queues/queues.ts';
import { openRedis } from '../../../src/queues/redis.ts';
import { createLogger } from '../../../src/shared/logger.ts';
import type { PruneSource } from '../../../src/sync/maintenance/prune.ts';
import { freshDatabase } from '../../support/database.ts';
import { freshPrefix, redisUrl } from '../../support/redis.ts';

const DAY_MS = 86_400_000;

/** What `retention` is when every rule counts in days: a row of 100 days is too old for all of them. */
export const RETENTION = { runsMs: 30 * DAY_MS, itemsMs: 7 * DAY_MS, auditMs: 60 * DAY_MS };

export type Archive = Awaited<ReturnType<typeof openArchive>>;

/** A database whose rows are written by tests, with the ages they want, and what prunes it. */
export async function openArchive() {
  const database = await freshDatabase();
  const { client } = database;
  const env = { DATABASE_URL: database.url, REDIS_URL: redisUrl(), QUEUE_PREFIX: freshPrefix() };
  const config = readConfig(env);
  const log = createLogger('silent', 'test');
  const redis = openRedis(config.redis, 'producer', log);
  const queues = openQueues(redis, config.queuePrefix, log);
  const source: PruneSource = {
    db: database.db,
    queues,
    settings: config.sync,
    retention: RETENTION,
  };
  const ago = (days: number | null) =>
    days === null ? null : new Date(Date.now() - days * DAY_MS).toISOString();
  return {
    ...{ client, env, source },
    /** A run that ended so many days ago, with items and a page; null: it did not end. */
    run: async (
      days: number | null,
      more: Record<string, string | number> = {},
      items = 1,
    ): Promise<number> => {
      const at = ago(days) ?? ago(100);
      const [row] = await client`insert into sync_log ${client({
        ...{ key: 'bclinbc', mode: 'single', trigger: 'schedule', status: 'success' },
        ...{ requested_at: at, started_at: at, planned_at: at, finished_at: ago(days), lease_token: 1 },
        ...more,
      })} returning id`;
      const id = Number(row?.['id']);
      await client`insert into sync_run_item (run_id, odoo_id, page) select ${id}, n, 0 from generate_series(1, ${items}) as n`;
      await client`insert into sync_run_page (run_id, page, state) values (${id}, 0, 'done')`;
      return id;
    },
    audit: (days: number, rows = 1) => client`
      insert into audit_log (odoo_id, run_id, action, changes, at)
      select n, 1, 'updated', '{}', ${ago(days)} from generate_series(1, ${rows}) as n`,
    failure: (odooId: number, resolvedDays: number | null) => client`
      insert into sync_failure (key, odoo_id, code, message, run_id, next_attempt_at, first_failed_at, last_failed_at,
        resolved_at) values ('bclinbc', ${odooId}, 'x', 'x', 1, now(), ${ago(100)}, ${ago(100)}, ${ago(resolvedDays)})`,
    /** An incident with one delivery. */
    incident: (subject: string, resolvedDays: number | null, deliveredDays: number | null) => client`
      with incident as (
        insert into alert_incident (kind, subject, code, message, opened_at, resolved_at)
        values ('run_failed', ${subject}, 'x', 'x', ${ago(100)}, ${ago(resolvedDays)}) returning id)
      insert into alert_delivery (incident_id, event, channel, delivered_at)
      select id, 'opened', 'webhook', ${ago(deliveredDays)} from incident`,
    modelChange: async (days: number, reread: boolean): Promise<number> => {
      const [row] = await client`
        insert into model_change (model, field, kind, reread, run_id, at)
        values ('dimagaz.bc', 'f', 'changed', ${reread}, 1, ${ago(days)}) returning id`;
      return Number(row?.['id']);
    },
    /** The progress of the mirror, and the holder of the lease. */
    state: (modelRead: number, leaseRunId: number | null = null) => client`
      insert into sync_state (key, model_read, lease_run_id) values ('bclinbc', ${modelRead}, ${leaseRunId})
      on conflict (key) do update set model_read = excluded.model_read, lease_run_id = excluded.lease_run_id`,
    ids: async (table: string, column = 'id'): Promise<number[]> => {
      const rows = await client`select distinct ${client(column)} as id from ${client(table)} order by 1`;
      return rows.map(({ id }) => Number(id));
    },
    count: async (table: string): Promise<number> => {
      const [row] = await client`select count(*)::int as n from ${client(table)}`;
      return row?.['n'] ?? 0;
    },
    close: async () => {
      await queues.close();
      redis.disconnect();
      await database.close();
    },
  };
}
