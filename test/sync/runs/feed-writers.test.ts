import { setTimeout as pause } from 'node:timers/promises';
import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type FeedPosition, readChanges } from '../../../src/db/documents/change-feed.ts';
import { bcStore } from '../../../src/db/documents/tables.ts';
import { freshDatabase } from '../../support/database.ts';
import { waitFor } from '../../support/wait-for.ts';

let database: Awaited<ReturnType<typeof freshDatabase>>;
beforeAll(async () => {
  database = await freshDatabase();
});
afterAll(() => database.close());

const WRITERS = 6;
const TRANSACTIONS = 60;
const BCS = 40;

interface Item {
  readonly odooId: number;
  readonly contentHash: string;
  readonly action: string;
}

let writes = 0;

/** Changes, creates and archives BCs in transactions that begin and end in any order; some are rolled back. */
async function write(): Promise<void> {
  const connection = await database.reserve();
  try {
    for (let number = 0; number < TRANSACTIONS; number += 1) {
      await connection`begin`;
      // From here on the transaction has its place in the order, long before others see it.
      await connection`select pg_current_xact_id()`;
      await pause(Math.random() * 8);
      const ids = new Set(
        Array.from({ length: 1 + Math.random() * 4 }, () => Math.ceil(Math.random() * BCS)),
      );
      for (const odooId of [...ids].sort((a, b) => a - b)) {
        writes += 1;
        const gone = Math.random() < 0.2;
        await connection`
          insert into scrap_dimagaz_bc (odoo_id, fields, content_hash, fetch_seq, fetched_at, synced_at, archived_at)
          values (${odooId}, '{}', ${`v${writes}`}, 1, now(), now(),
            case when ${gone}::boolean then now() end)
          on conflict (odoo_id) do update set content_hash = excluded.content_hash,
            archived_at = excluded.archived_at, changed_xid = pg_current_xact_id()`;
      }
      await pause(Math.random() * 8);
      await connection.unsafe(Math.random() < 0.15 ? 'rollback' : 'commit');
    }
  } finally {
    connection.release();
  }
}

async function stored(): Promise<Map<number, string>> {
  const rows = await database.db.execute<{ odoo_id: string; hash: string }>(sql`
    select odoo_id, concat(content_hash, case when archived_at is null then '' else ' archived' end) as hash
    from scrap_dimagaz_bc`);
  return new Map(rows.map(({ odoo_id: odooId, hash }) => [Number(odooId), hash]));
}

test('a reader beside many writers loses nothing and gets nothing twice', async () => {
  const copy = new Map<number, string>();
  const delivered: string[] = [];
  let after: FeedPosition | null = null;
  const read = async () => {
    const query = { after, limit: 7, pick: null, lines: 'none' as const, linePick: null };
    const page = await readChanges(bcStore(database.db), query);
    after = page.next;
    for (const { odooId, contentHash, action } of JSON.parse(page.items) as Item[]) {
      delivered.push(`${odooId} ${contentHash}`);
      copy.set(odooId, `${contentHash}${action === 'archived' ? ' archived' : ''}`);
    }
    return page;
  };

  let writing = true;
  const writers = Promise.all(Array.from({ length: WRITERS }, write)).finally(() => {
    writing = false;
  });
  while (writing) await read();
  await writers;
  const last = await stored();
  await waitFor(async () => {
    await read();
    return copy.size === last.size && [...last].every(([odooId, hash]) => copy.get(odooId) === hash);
  }, 'the copy to equal the mirror');
  expect(new Set(delivered).size).toBe(delivered.length);
  expect(delivered.length).toBeGreaterThan(BCS);
});
