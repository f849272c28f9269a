import { randomBytes } from 'node:crypto';
import { text } from 'node:stream/consumers';
import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import type { TestApi } from '../http/start-api.ts';
import { bearer, startApi } from '../http/start-api.ts';
import { askExport, MEGABYTE, readAll } from './export-client.ts';
import { saveTestFields } from './rows.ts';

let api: TestApi;
let url: string;
beforeAll(async () => {
  api = await startApi();
  url = await api.app.listen({ port: 0 });
  await saveTestFields(api.db);
});
afterAll(() => {
  api.app.server.closeAllConnections();
  return api.close();
});
beforeEach(async () => {
  await api.db.execute(sql`truncate scrap_dimagaz_bc, scrap_dimagaz_bc_line`);
});

const ask = (query: string) => askExport(`${url}/api`, `format=ndjson&${query}`, bearer(api.key));

/** BCs with the ids from `first` on, each with one line of its id, and `scan` in both. */
async function insert(first: number, count: number, scan: string): Promise<void> {
  const columns = sql.raw('odoo_id, fields, content_hash, fetch_seq, fetched_at, synced_at');
  const row = sql`id, jsonb_build_object('id', id, 'name', 'BC ' || id, 'scan', ${scan}::text), 'hash', 1, now(), now()`;
  const ids = sql`generate_series(${first}::int, ${first + count - 1}::int) as id`;
  await api.db.execute(sql`insert into scrap_dimagaz_bc (${columns}) select ${row} from ${ids}`);
  await api.db.execute(
    sql`insert into scrap_dimagaz_bc_line (${columns}, bc_odoo_id) select ${row}, id from ${ids}`,
  );
}

const random = (bytes: number) => randomBytes((bytes * 3) / 4).toString('base64');

/** Together they weigh more than what may be held. */
const LARGE = 24;

test.each([
  ['that cannot be compressed', random(3 * MEGABYTE), ['of=bc', 'of=lines']],
  // Stored in 28 kB.
  ['of one letter', 'x'.repeat(2.5 * MEGABYTE), ['include=lines&fields=name']],
])('large BCs after many small ones pass without being held, with contents %s', async (_, scan, queries) => {
  await insert(1, 2000, '');
  await insert(2001, LARGE, scan);
  for (const query of queries) {
    const { bytes, lines, held } = await readAll(await ask(query));
    expect(lines).toBe(2000 + LARGE);
    expect(bytes).toBeGreaterThan(LARGE * scan.length);
    expect(held).toBeGreaterThan(0);
    expect(held, query).toBeLessThan(48 * MEGABYTE);
  }
});

test('long and short rows arrive in their order, each once, with all fields', async () => {
  const scans = [random(40_000), '', '', random(700_000), 'x'.repeat(40_000), ''];
  const wanted: unknown[][] = [];
  for (let id = 1; id <= 600; id += 60) {
    const scan = scans[wanted.length % scans.length] ?? '';
    await insert(id, 57, '');
    await insert(id + 57, 3, scan);
    for (let one = id; one < id + 60; one += 1) wanted.push([one, one < id + 57 ? '' : scan]);
  }
  for (const query of ['of=bc', 'of=lines', 'of=bc&q=BC']) {
    const rows = (await text(await ask(query))).trimEnd().split('\n');
    const parsed = rows.map((row) => JSON.parse(row) as { odooId: number; fields: { scan: string } });
    expect(parsed.map(({ odooId, fields }) => [odooId, fields.scan])).toEqual(wanted);
  }
});
