import type { SQL } from 'drizzle-orm';
import { and, sql } from 'drizzle-orm';
import { fieldJson } from './documents-filter.ts';
import type { Extract } from './documents-values.ts';
import { comparable, parameter } from './documents-values.ts';
import { auditLog } from './schema/audit.ts';
import { bc } from './schema/documents.ts';

/** The order of a list; `field` null is the Odoo id itself, which never changes. */
export interface DocumentOrder {
  readonly field: string | null;
  readonly extract: Extract;
  readonly descending: boolean;
}

/** Where a page ended, and which state of the mirror the first page saw (`pg_snapshot` as text). */
export interface Position {
  readonly key: string | null;
  readonly odooId: number;
  readonly snapshot: string;
}

interface Page {
  readonly order: DocumentOrder;
  readonly filter: SQL | undefined;
  readonly after: Position | null;
  readonly limit: number;
}

/** `odoo_id` and `key` of the BCs of one page, in its order. */
export function pageOfIds(page: Page): SQL {
  const { order, filter, after, limit } = page;
  if (order.field !== null) {
    const key = comparable(fieldJson(order.field), order.extract);
    return after === null ? part(page, key, filter) : pageAfter(order.field, key, after, page);
  }
  const further = order.descending ? sql`<` : sql`>`;
  const beyond = after === null ? undefined : sql`${bc.odooId} ${further} ${after.odooId}`;
  return sql`select ${bc.odooId}, null as key from ${bc} ${where(filter, beyond)}
    order by ${bc.odooId} ${direction(order)} limit ${limit}`;
}

/** Nulls come last in both directions; BCs with equal keys come by ascending id. */
export function pageOrder(order: DocumentOrder): SQL {
  return order.field === null
    ? sql`odoo_id ${direction(order)}`
    : sql`key ${direction(order)} nulls last, odoo_id`;
}

/**
 * A later page of a list sorted by a field. PostgreSQL walks an index from a point on only where the condition is one
 * range in the index's order, so each range is a part of its own: the same key, keys further on, no key. The last part
 * are the BCs that changed since the first page: they keep the key that they had then, so that they stay where they
 * were, and no page repeats or skips one. They are found by the index on `changed_xid`.
 */
function pageAfter(field: string, key: SQL, after: Position, page: Page): SQL {
  const { order, filter, limit } = page;
  const { snapshot, odooId } = after;
  const asSeen = and(filter, seen(changedXid, snapshot));
  const beyondId = sql`${bc.odooId} > ${odooId}`;
  const empty = sql`${key} is null`;
  const last = after.key === null ? null : parameter(after.key, order.extract);
  const further = order.descending ? sql`<` : sql`>`;
  const parts =
    last === null
      ? [part(page, key, and(asSeen, empty, beyondId))]
      : [
          part(page, key, and(asSeen, sql`${key} = ${last}`, beyondId)),
          part(page, key, and(asSeen, sql`${key} ${further} ${last}`)),
          part(page, key, and(asSeen, empty)),
        ];
  const before = comparable(sql`sorted.json`, order.extract);
  const beyond =
    last === null
      ? sql`${before} is null and ${beyondId}`
      : sql`(${before} ${further} ${last} or ${before} is null or (${before} = ${last} and ${beyondId}))`;
  // Worked out once for each BC: `offset 0` keeps PostgreSQL from repeating the expression.
  const sorted = sql`cross join lateral (select ${jsonBefore(field, snapshot)} as json offset 0) as sorted`;
  const changed = part(page, before, and(filter, changedSince(snapshot), beyond), sorted);
  const all = sql.join(
    [...parts, changed].map((one) => sql`(${one})`),
    sql` union all `,
  );
  return sql`select * from (${all}) as parts order by ${pageOrder(order)} limit ${limit}`;
}

function part({ order, limit }: Page, key: SQL, condition: SQL | undefined, join: SQL = sql``): SQL {
  return sql`select ${bc.odooId}, ${key} as key from ${bc} ${join} ${where(condition)}
    order by ${key} ${direction(order)} nulls last, ${bc.odooId} limit ${limit}`;
}

function where(...conditions: (SQL | undefined)[]): SQL {
  const condition = and(...conditions);
  return condition === undefined ? sql`` : sql`where ${condition}`;
}

const direction = ({ descending }: DocumentOrder): SQL => (descending ? sql`desc` : sql`asc`);

const changedXid = sql`${bc.changedXid}`;
const auditXid = sql`audit.xid`;

/**
 * Whether the first page saw what a transaction did. A dump restored elsewhere brings transaction ids that are
 * still in the future there: those count as seen.
 */
const seen = (xid: SQL, snapshot: string): SQL =>
  sql`(pg_visible_in_snapshot(${xid}, ${snapshot}::pg_snapshot) or ${xid} >= pg_snapshot_xmax(pg_current_snapshot()))`;

/** The changes of this BC that the first page did not see. */
const unseenChanges = (snapshot: string): SQL =>
  sql`from ${auditLog} as audit where audit.odoo_id = ${bc.odooId} and not ${seen(auditXid, snapshot)}`;

/** The BCs that the first page could have shown, and that changed since. */
const changedSince = (snapshot: string): SQL =>
  sql`${changedXid} >= pg_snapshot_xmin(${snapshot}::pg_snapshot)
    and ${changedXid} < pg_snapshot_xmax(pg_current_snapshot())
    and not pg_visible_in_snapshot(${changedXid}, ${snapshot}::pg_snapshot)
    and not exists (select ${unseenChanges(snapshot)} and audit.action = 'created')`;

/**
 * The JSON that a field had when the first page was read, taken from the audit trail.
 *
 * Limit: what the mirror stores without an audit row (a save in Odoo that changed nothing but `write_date`) is sorted
 * by its new value.
 */
const jsonBefore = (field: string, snapshot: string): SQL =>
  sql`coalesce((select coalesce(audit.changes -> 'header' -> ${field}::text -> 'old', 'null')
    ${unseenChanges(snapshot)} and audit.changes -> 'header' ? ${field}::text order by audit.id limit 1),
    ${fieldJson(field)})`;
