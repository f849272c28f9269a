import { setTimeout as pause } from 'node:timers/promises';
import type postgres from 'postgres';
import { onServer } from '../../support/server.ts';
import { waitFor } from '../../support/wait-for.ts';
import { paced } from '../pace.ts';

const PATIENCE_MS = paced(150_000);
const BETWEEN_MS = 200;

/** Looks into a mirror whose PostgreSQL may be away: each time over a connection of its own. */
export class MirrorView {
  readonly #url: string;

  constructor(databaseUrl: string) {
    this.#url = databaseUrl;
  }

  /** Without them there is no mirror yet that could miss something. */
  async firstFullRuns(keys: readonly string[]): Promise<void> {
    for (const key of keys) {
      await waitFor(
        () =>
          this.#shows(
            (sql) => sql`select from sync_log
              where key = ${key} and mode = 'full' and status in ('success', 'partial') limit 1`,
          ),
        `the first full run of ${key}`,
        PATIENCE_MS,
      );
    }
  }

  /** Whether the mirror has put one of these BCs on record. */
  noticed(what: 'archived' | 'failure' | 'kept lines', bcs: readonly number[]): Promise<boolean> {
    return this.#shows((sql) => {
      const those = sql`odoo_id in ${sql([...bcs])}`;
      if (what === 'archived')
        return sql`select from scrap_dimagaz_bc where archived_at is not null and ${those}`;
      if (what === 'failure') return sql`select from sync_failure where key = 'bclinbc' and ${those}`;
      return sql`select from sync_run_item where lines_kept > 0 and ${those}`;
    });
  }

  /** BCs whose documents are in the mirror. */
  async mirrored(): Promise<number[]> {
    const rows = await onServer(
      this.#url,
      (sql) => sql<{ id: number }[]>`
        select odoo_id::int as id from scrap_dimagaz_bc where archived_at is null order by odoo_id`,
    );
    return rows.map(({ id }) => id);
  }

  /** Whether a run failed with this code. */
  failedWith(code: string): Promise<boolean> {
    return this.#shows((sql) => sql`select from sync_log where status = 'failed' and error_code = ${code}`);
  }

  async #shows(query: (sql: postgres.Sql) => PromiseLike<readonly unknown[]>): Promise<boolean> {
    await pause(BETWEEN_MS);
    return onServer(this.#url, query).then(
      (rows) => rows.length > 0,
      () => false,
    );
  }
}
