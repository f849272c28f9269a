import { eq, type SQL, sql } from 'drizzle-orm';
import type { OdooValue } from '../../odoo/types.ts';
import type { Queryable } from '../client.ts';
import type { MirrorStore } from '../documents/tables.ts';
import type { HeaderTable, LineTable } from '../schema/documents.ts';
import { syncRunItem } from '../schema/ledger.ts';
import { syncLog, syncState } from '../schema/sync.ts';
import { paused, type Sweep } from './sweep.ts';

/** A record of Odoo with its present name. */
export interface NamedRecord {
  readonly model: string;
  readonly id: number;
  /** `false` in Odoo 19.0 if the record has none. */
  readonly name: OdooValue;
}

/** A many2one field and the model that it refers to. */
export interface Reference {
  readonly field: string;
  readonly model: string;
}

/** The many2one fields of header and line. */
export interface References {
  readonly header: readonly Reference[];
  readonly line: readonly Reference[];
}

/**
 * The time of Odoo when the last run began that read the names of all BCs, or compared them; null without one. A full
 * run that continues another one may have left some of its names to that one.
 */
export async function namesReadAt(db: Queryable, key: string): Promise<Date | null> {
  const [row] = await db.execute<{ at: string | null }>(sql`
    select now_sync as at from ${syncLog}
    where key = ${key} and status in ('success', 'partial')
      and (mode = 'sweep' or (mode = 'full' and continues is null))
    order by id desc limit 1`);
  return row?.at == null ? null : new Date(row.at);
}

/**
 * Writes into the ledger the BCs whose header or lines have another name for one of these records. One pass over
 * headers and one over lines, however many records there are; none if no field refers to their models.
 *
 * @returns how many BCs it added.
 */
export async function addRenamed(
  { db, header: bc, line: bcLine }: MirrorStore,
  sweep: Sweep,
  references: References,
  records: readonly NamedRecord[],
): Promise<number> {
  const named = JSON.stringify(records.map(({ model, id, name }) => [model, id, name]));
  const models = new Set(records.map(({ model }) => model));
  const concerned = (fields: readonly Reference[]) => fields.filter(({ model }) => models.has(model));
  const owners = [
    ownersOf(sql`mirror.odoo_id`, bc, concerned(references.header)),
    ownersOf(sql`mirror.bc_odoo_id`, bcLine, concerned(references.line)),
  ].filter((query) => query !== null);
  if (owners.length === 0) return 0;
  const [row] = await db.execute<{ added: number }>(sql`
    with named as materialized (
      select record ->> 0 as model, record -> 1 as id, record -> 2 as name
      from jsonb_array_elements(${named}::text::jsonb) as record),
    wanted as (${sql.join(owners, sql` union `)}),
    ${added(bc, sweep)}
    select count(*)::int as added from added`);
  return row?.added ?? 0;
}

/** The join is on JSON values, so each field is compared without a cast. */
function ownersOf(owner: SQL, table: HeaderTable | LineTable, fields: readonly Reference[]): SQL | null {
  if (fields.length === 0) return null;
  const values = fields.map(({ field, model }) => sql`(${model}::text, mirror.fields -> ${field}::text)`);
  return sql`
    select ${owner} as odoo_id from ${table} as mirror
      cross join lateral (values ${sql.join(values, sql`, `)}) as reference (model, value)
      join named on named.model = reference.model and named.id = reference.value -> 0
    where mirror.archived_at is null and reference.value -> 1 is distinct from named.name`;
}

/** The open BCs of the sweep before, if it failed after its plan: the next one owes them. */
export async function addOwed({ db, header: bc }: MirrorStore, sweep: Sweep): Promise<number> {
  const [row] = await db.execute<{ added: number }>(sql`
    with before as (
      select id, status from ${syncLog}
      where key = ${sweep.key} and mode = 'sweep' and status in ('success', 'partial', 'failed')
        and planned_at is not null
      order by id desc limit 1),
    wanted as (
      select item.odoo_id from before join ${syncRunItem} as item on item.run_id = before.id
      where before.status = 'failed' and item.state = 'open'),
    ${added(bc, sweep)}
    select count(*)::int as added from added`);
  return row?.added ?? 0;
}

interface Share {
  readonly added: number;
  /** The last BC of the share; null if the mirror is empty. */
  readonly last: number | null;
}

/**
 * Writes the next BCs into the ledger: `share` of all, by id, after the last one of the sweep before. The greatest id is
 * followed by the smallest.
 */
export async function addShare({ db, header: bc }: MirrorStore, sweep: Sweep, share: number): Promise<Share> {
  const live = sql`from ${bc} where archived_at is null`;
  const after = sql`(select reread_after from ${syncState} where key = ${sweep.key})`;
  const size = sql`(select bcs from size)`;
  // Two ranges of the index, so that only the share is read.
  const [row] = await db.execute<{ added: number; last: string | null }>(sql`
    with size as materialized (select ceil(count(*) * ${share}::float8)::bigint as bcs ${live}),
    wanted as (
      select odoo_id, turn from (
        (select odoo_id, 1 as turn ${live} and odoo_id > ${after} order by odoo_id limit ${size})
        union all
        (select odoo_id, 2 ${live} and odoo_id <= ${after} order by odoo_id limit ${size})) as ranges
      order by turn, odoo_id limit ${size}),
    ${added(bc, sweep)}
    select (select count(*)::int from added) as added,
      (select odoo_id from wanted order by turn desc, odoo_id desc limit 1) as last`);
  return { added: row?.added ?? 0, last: row?.last == null ? null : Number(row.last) };
}

/** The next sweep continues after this BC. Call it in the transaction that ends the plan. */
export async function moveReread(db: Queryable, key: string, last: number): Promise<void> {
  await db.update(syncState).set({ rereadAfter: last }).where(eq(syncState.key, key));
}

/**
 * Inserts the BCs of `wanted` that are not in the ledger yet. A BC whose failure pauses is left out: it is read when its
 * pause is over.
 */
const added = (bc: HeaderTable, sweep: Sweep): SQL => sql`
    added as (
      insert into ${syncRunItem} (run_id, odoo_id, page)
      select ${sweep.runId}, owner.odoo_id, 0
      from wanted join ${bc} as owner on owner.odoo_id = wanted.odoo_id and owner.archived_at is null
      where not ${paused(sweep, sql`owner.odoo_id`)}
      on conflict do nothing returning true)`;
