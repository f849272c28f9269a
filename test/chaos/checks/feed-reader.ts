import { setTimeout as pause } from 'node:timers/promises';
import { getTableName } from 'drizzle-orm';
import type postgres from 'postgres';
import { z } from 'zod';
import type { Database } from '../../../src/db/client.ts';
import { type FeedPosition, readChanges } from '../../../src/db/documents/change-feed.ts';
import type { MirrorStore } from '../../../src/db/documents/tables.ts';

const BETWEEN_MS = 250;

const items = z.array(
  z.object({
    odooId: z.number(),
    contentHash: z.string(),
    changedAt: z.string(),
    archivedAt: z.string().nullable(),
  }),
);

interface Told {
  readonly contentHash: string;
  readonly changedAt: string;
  readonly archived: boolean;
}

/** A client that follows the change feed during a scenario, as the documentation says. */
export class FeedReader {
  changes = 0;
  /** How often the feed began again, because PostgreSQL had lost commits. */
  restarts = 0;
  readonly twice: string[] = [];
  readonly #store: MirrorStore<Database>;
  readonly #known = new Map<number, Told>();
  #position: FeedPosition | null = null;
  #stopped = false;
  #work: Promise<void> = Promise.resolve();

  constructor(store: MirrorStore<Database>) {
    this.#store = store;
  }

  start(): void {
    this.#work = this.#readOn();
  }

  /** Reads the feed to its end, and compares its changes with the mirror. Returns the BCs whose last change is missing. */
  async stop(sql: postgres.Sql): Promise<string[]> {
    this.#stopped = true;
    await this.#work;
    while (await this.#read());
    const rows = await sql<{ id: number; hash: string; archived: boolean }[]>`
      select odoo_id::int as id, content_hash as hash, archived_at is not null as archived
      from ${sql(getTableName(this.#store.header))}`;
    return rows
      .filter(({ id, hash, archived }) => {
        const item = this.#known.get(id);
        return item?.contentHash !== hash || item.archived !== archived;
      })
      .map(({ id }) => `the feed lacks the last change of ${getTableName(this.#store.header)} ${id}`);
  }

  async #readOn(): Promise<void> {
    while (!this.#stopped) {
      // PostgreSQL may be away.
      const more = await this.#read().catch(() => false);
      if (!more) await pause(BETWEEN_MS);
    }
  }

  async #read(): Promise<boolean> {
    const query = { pick: [], lines: 'none', linePick: [], limit: 100, after: this.#position } as const;
    const page = await readChanges(this.#store, query);
    if (page.restarted) {
      this.restarts += 1;
      this.#known.clear();
    }
    for (const { odooId, contentHash, changedAt, archivedAt } of items.parse(JSON.parse(page.items))) {
      const item = { contentHash, changedAt, archived: archivedAt !== null };
      const before = this.#known.get(odooId);
      if (before !== undefined && isEqual(before, item))
        this.twice.push(
          `the feed has the change of ${getTableName(this.#store.header)} ${odooId} at ${changedAt} twice`,
        );
      this.#known.set(odooId, item);
      this.changes += 1;
    }
    this.#position = page.next;
    return page.hasMore;
  }
}

function isEqual(left: Told, right: Told): boolean {
  return (
    left.contentHash === right.contentHash &&
    left.changedAt === right.changedAt &&
    left.archived === right.archived
  );
}
