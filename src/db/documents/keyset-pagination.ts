import { and, type SQL, sql } from 'drizzle-orm';
import { comparable, type Extract, parameter } from './field-expressions.ts';
import { fieldJson } from './filters.ts';
import type { MirrorTables } from './tables.ts';

/** The order of a list; `field` null is the Odoo id itself, which never changes. */
export interface DocumentOrder {
  readonly field: string | null;
  readonly extract: Extract;
  readonly descending: boolean;
}

/**
 * The end of a page, and the state of the mirror that the first page saw (`pg_snapshot` as text). By Odoo id the state
 * makes no difference. It is empty then, so that the same rows give the same cursor.
 */
export interface Position {
  readonly key: string | null;
  readonly odooId: number;
  readonly snapshot: string;
}

interface Page {
  readonly tables: MirrorTables;
  readonly order: DocumentOrder;
  readonly filter: SQL | undefined;
  readonly after: Position | null;
  readonly limit: number;
}

/** `odoo_id` and `key` of the BCs of one page, in order. */
export function pageOfIds(page: Page): SQL {
  const { tables, order, filter, after, limit } = page;
  const { header: bc } = tables;
  if (order.field !== null) {
    const key = comparable(fieldJson(bc, order.field), order.extract);
    const parts = after === null ? firstParts(key, page) : laterParts(order.field, key, after, page);
    const all = sql.join(
      parts.map((one) => sql`(${one})`),
      sql` union all `,
    );
    return sql`select * from (${all}) as parts order by ${pageOrder(order)} limit ${limit}`;
  }
  const beyond = after === null ? undefined : sql`${bc.odooId} ${further(order)} ${after.odooId}`;
  return sql`select ${bc.odooId}, null as key from ${bc} ${where(filter, beyond)}
    order by ${bc.odooId} ${direction(order)} limit ${limit}`;
}

/** Nulls come last in both directions. BCs with equal keys come by ascending id. */
export function pageOrder(order: DocumentOrder): SQL {
  return order.field === null
    ? sql`odoo_id ${direction(order)}`
    : sql`key ${direction(order)} nulls last, odoo_id`;
}

/*
 * PostgreSQL walks an index from a point on, in either direction, only where the condition is one range of it and the
 * order is its own. So a page is the first rows of several parts: keys, and no key; on later pages, the key that the
 * page before ended with, keys further on, and no key.
 */

function firstParts(key: SQL, { tables, order, filter, limit }: Page): SQL[] {
  return [
    part(tables, key, and(filter, sql`${key} is not null`), sql`${key} ${direction(order)}`, limit),
    part(tables, key, and(filter, sql`${key} is null`), key, limit),
  ];
}

/**
 * The last part are the BCs that changed since the first page, found by the index on `changed_xid`. They keep the key
 * that they had then: so they stay where they were, and no page repeats or skips one.
 */
function laterParts(field: string, key: SQL, after: Position, page: Page): SQL[] {
  const { tables, order, filter, limit } = page;
  const { header: bc } = tables;
  const { snapshot, odooId } = after;
  const changed = changedPart(field, after, page);
  const asSeen = and(filter, seen(sql`${bc.changedXid}`, snapshot));
  const beyondId = sql`${bc.odooId} > ${odooId}`;
  const none = sql`${key} is null`;
  if (after.key === null) return [part(tables, key, and(asSeen, none, beyondId), key, limit), changed];
  const last = parameter(after.key, order.extract);
  return [
    part(tables, key, and(asSeen, sql`${key} = ${last}`, beyondId), key, limit),
    part(
      tables,
      key,
      and(asSeen, sql`${key} ${further(order)} ${last}`),
      sql`${key} ${direction(order)}`,
      limit,
    ),
    part(tables, key, and(asSeen, none), key, limit),
    changed,
  ];
}

function changedPart(field: string, after: Position, { tables, order, filter, limit }: Page): SQL {
  const { header: bc } = tables;
  const { snapshot, odooId } = after;
  const key = comparable(sql`sorted.json`, order.extract);
  const beyondId = sql`${bc.odooId} > ${odooId}`;
  const last = after.key === null ? null : parameter(after.key, order.extract);
  const beyond =
    last === null
      ? sql`${key} is null and ${beyondId}`
      : sql`(${key} ${further(order)} ${last} or ${key} is null or (${key} = ${last} and ${beyondId}))`;
  // Computed once for each BC: `offset 0` keeps PostgreSQL from repeating the expression.
  const sorted = sql`cross join lateral (select ${jsonBefore(tables, field, snapshot)} as json offset 0) as sorted`;
  const condition = and(filter, changedSince(tables, snapshot), beyond);
  return part(tables, key, condition, sql`${key} ${direction(order)} nulls last`, limit, sorted);
}

function part(
  { header: bc }: MirrorTables,
  key: SQL,
  condition: SQL | undefined,
  order: SQL,
  limit: number,
  join: SQL = sql``,
): SQL {
  return sql`select ${bc.odooId}, ${key} as key from ${bc} ${join} ${where(condition)}
    order by ${order}, ${bc.odooId} limit ${limit}`;
}

function where(...conditions: (SQL | undefined)[]): SQL {
  const condition = and(...conditions);
  return condition === undefined ? sql`` : sql`where ${condition}`;
}

const further = ({ descending }: DocumentOrder): SQL => (descending ? sql`<` : sql`>`);

const direction = ({ descending }: DocumentOrder): SQL => (descending ? sql`desc` : sql`asc`);

const auditXid = sql`audit.xid`;

/**
 * Whether the first page saw the changes of a transaction. After a restored dump, transaction ids may still be in the
 * future: they count as seen.
 */
const seen = (xid: SQL, snapshot: string): SQL =>
  sql`(pg_visible_in_snapshot(${xid}, ${snapshot}::pg_snapshot) or ${xid} >= pg_snapshot_xmax(pg_current_snapshot()))`;

/** The changes of this BC that the first page did not see. */
const unseenChanges = ({ header: bc, audit }: MirrorTables, snapshot: string): SQL =>
  sql`from ${audit} as audit where audit.odoo_id = ${bc.odooId} and not ${seen(auditXid, snapshot)}`;

/** The BCs that the first page could have shown and that changed since. */
const changedSince = (tables: MirrorTables, snapshot: string): SQL =>
  sql`${tables.header.changedXid} >= pg_snapshot_xmin(${snapshot}::pg_snapshot)
    and ${tables.header.changedXid} < pg_snapshot_xmax(pg_current_snapshot())
    and not pg_visible_in_snapshot(${tables.header.changedXid}, ${snapshot}::pg_snapshot)
    and not exists (select ${unseenChanges(tables, snapshot)} and audit.action = 'created')`;

/**
 * The JSON of a field at the time of the first page, taken from the audit trail.
 *
 * Limit: a save in Odoo that changed only `write_date` is stored without an audit row, so the BC is sorted by its new
 * value.
 */
const jsonBefore = (tables: MirrorTables, field: string, snapshot: string): SQL =>
  sql`coalesce((select coalesce(audit.changes -> 'header' -> ${field}::text -> 'old', 'null')
    ${unseenChanges(tables, snapshot)} and audit.changes -> 'header' ? ${field}::text order by audit.id limit 1),
    ${fieldJson(tables.header, field)})`;
