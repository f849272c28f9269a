import { sql } from 'drizzle-orm';
import type { Database } from '../../src/db/client.ts';
import { saveFields } from '../../src/db/odoo-model/fields.ts';
import type { OdooFields } from '../../src/odoo/types.ts';

/** BCs of one statement. The command can be stopped between two statements. */
const PORTION = 20_000;

export interface MirrorSize {
  readonly documents: number;
  /** Lines of each BC. */
  readonly lines: number;
}

/** The fields that the lists of this benchmark name. */
const TYPES = {
  name: 'char',
  state: 'selection',
  partner_id: 'many2one',
  date_order: 'datetime',
  write_date: 'datetime',
  amount_total: 'monetary',
} as const;

const fields: OdooFields = Object.fromEntries(
  Object.entries(TYPES).map(([name, type]) => [name, { name, type, string: name }]),
);

/** A pseudo-random number for each BC, below `below`. It is the same in each benchmark. */
const drawn = (seed: number, below: number) => sql`((hashint4extended(n, ${seed}) & 2147483647) % ${below})`;

const moment = (seed: number) =>
  sql`to_char(timestamp '2015-01-01' + make_interval(secs => ${drawn(seed, 350_000_000)}), 'YYYY-MM-DD HH24:MI:SS')`;

/** 30 fields, as many as in the sandbox. */
const header = sql`jsonb_build_object('id', n, 'name', 'BC/' || lpad((${drawn(1, 10_000_000)})::text, 7, '0'),
  'display_name', 'BC ' || n, 'active', true, 'company_id', '[1, "Dimagaz"]'::jsonb, 'currency_id', '[1, "EUR"]'::jsonb,
  'partner_id', jsonb_build_array(1 + ${drawn(2, 20_000)}, 'Fournisseur ' || ${drawn(2, 20_000)}),
  'user_id', jsonb_build_array(2 + n % 40, 'Acheteur ' || n % 40), 'date_order', ${moment(3)},
  'date_planned', left(${moment(3)}, 10), 'state', (array['draft', 'sent', 'confirmed', 'done', 'cancel'])[1 + n % 5],
  'amount_untaxed', ${drawn(4, 10_000_000)} / 100.0, 'amount_tax', ${drawn(5, 1_000_000)} / 100.0,
  'amount_total', ${drawn(6, 10_000_000)} / 100.0, 'discount_rate', 0.05, 'priority', n % 4, 'urgent', n % 10 = 0,
  'notes', 'Livraison au quai ' || n % 90 || ', prévenir le gardien.', 'terms', false,
  'tag_ids', jsonb_build_array(n % 30, 30 + n % 7), 'line_ids', '[1, 2, 3, 4, 5]'::jsonb, 'line_count', 5,
  'scan', false, 'scan_name', false, 'source_ref', false, 'origin_model', false, 'origin_id', false,
  'create_uid', '[2, "Admin"]'::jsonb, 'write_uid', '[2, "Admin"]'::jsonb, 'create_date', ${moment(7)},
  'write_date', ${moment(8)})`;

const line = sql`jsonb_build_object('id', line, 'bc_id', jsonb_build_array(n, 'BC ' || n), 'active', true,
  'sequence', 10, 'product_id', jsonb_build_array(line % 500, 'Article ' || line % 500), 'name', 'Article ' || line % 500,
  'quantity', line % 40, 'uom', 'unit', 'price_unit', 12.5, 'discount', 0, 'currency_id', '[1, "EUR"]'::jsonb,
  'subtotal', line % 40 * 12.5, 'delivery_date', '2026-01-31', 'delivered', false, 'note', false, 'photo', false,
  'display_name', 'Article ' || line % 500, 'create_uid', '[2, "Admin"]'::jsonb, 'write_uid', '[2, "Admin"]'::jsonb,
  'create_date', '2026-01-01 08:00:00', 'write_date', '2026-01-01 08:00:00')`;

const columns = sql.raw(
  'odoo_id, fields, odoo_create_date, odoo_write_date, content_hash, fetch_seq, fetched_at, synced_at',
);
const read = sql`now(), now(), repeat('0', 64), 1, now(), now()`;

/** Fills an empty mirror by SQL alone. `check` throws to stop it. */
export async function fillMirror(
  db: Database,
  { documents, lines }: MirrorSize,
  check: () => void,
): Promise<void> {
  await saveFields(db, 'dimagaz.bc', fields, new Date());
  for (let first = 1; first <= documents; first += PORTION) {
    check();
    const ids = sql`generate_series(${first}::int, ${Math.min(documents, first + PORTION - 1)}::int) as n`;
    await db.execute(sql`insert into scrap_dimagaz_bc (${columns}) select n, ${header}, ${read} from ${ids}`);
    await db.execute(sql`
      insert into scrap_dimagaz_bc_line (${columns}, bc_odoo_id)
      select line, ${line}, ${read}, n
      from ${ids} cross join lateral generate_series(n::bigint * ${lines} - ${lines} + 1, n::bigint * ${lines}) as line`);
  }
  await db.execute(sql`vacuum analyze scrap_dimagaz_bc, scrap_dimagaz_bc_line`);
}
