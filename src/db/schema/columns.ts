import { type AnyColumn, type SQL, sql } from 'drizzle-orm';
import { bigint, customType, timestamp } from 'drizzle-orm/pg-core';

/** An id of Odoo or of ours: a `bigint` that stays below 2^53, so a plain number in TypeScript. */
export const bigid = (name: string) => bigint(name, { mode: 'number' });

/** A time, always UTC in the database and a `Date` in TypeScript. */
export const moment = (name: string) => timestamp(name, { withTimezone: true, mode: 'date' });

/** The 64-bit transaction id of PostgreSQL, as text. It orders changes by their visibility. */
export const xid8 = customType<{ data: string }>({ dataType: () => 'xid8' });

/** `column = any(ids)` with one parameter for any number of ids (a list is limited to 65,535). */
export const isAnyOf = (column: AnyColumn | SQL, ids: readonly number[]) =>
  sql`${column} = any(${`{${ids.join(',')}}`}::bigint[])`;
