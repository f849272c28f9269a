import type { SQL } from 'drizzle-orm';
import { sql } from 'drizzle-orm';

/**
 * What a page weighs at most, but for its last item, in bytes of JSON. PostgreSQL and the API hold it a few times over,
 * for some requests at once.
 */
export const PAGE_BYTES = 8 * 1024 * 1024;

interface Wanted {
  /** Gives one `bigint[]`: the ids of items, in their order. */
  readonly ids: SQL;
  /** Gives the columns of the item of an id. */
  readonly item: (odooId: SQL) => SQL;
  readonly bytes: number;
}

/**
 * A part of `with recursive`: `weighed` has the items as JSON with their `place`, from 1 on, and ends with the one by
 * which they come to so many bytes. Place 0 is no item.
 *
 * One after another, since only a text that is written is known to be so long: the size that PostgreSQL knows of a
 * stored value is the compressed one, up to ninety times less, and of neither the fields that are chosen nor lines.
 */
export const weighedItems = ({ ids, item, bytes }: Wanted): SQL => sql`weighed as (
  select 0 as place, null::text as json, 0::bigint as bytes
  union all
  select weighed.place + 1, item.json, weighed.bytes + octet_length(item.json)
  from weighed cross join lateral (
    select row_to_json(item)::text as json from (${item(sql`(${ids})[weighed.place + 1]`)}) as item limit 1) as item
  where weighed.bytes < ${bytes})`;

/** The ids of a `page` whose rows have a place, up to that one. */
export const idsOfPage = (limit: number): SQL =>
  sql`select array_agg(odoo_id order by place) from page where place <= ${limit}`;

/** One row of `weighed`: `items` as one JSON array, and the place of the last one; null where there is none. */
export const listedItems: SQL = sql`select max(place) as kept,
  '[' || coalesce(string_agg(json, ',' order by place), '') || ']' as items from weighed where place > 0`;
