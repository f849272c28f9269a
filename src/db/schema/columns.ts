import { type AnyColumn, type SQL, sql } from 'drizzle-orm';
import { bigint, customType, timestamp } from 'drizzle-orm/pg-core';

/** An Odoo id or one of ours: a `bigint` that stays below 2^53, so a plain number in TypeScript. */
export const bigid = (name: string) => bigint(name, { mode: 'number' });

/** A moment, always UTC in the database and a `Date` in TypeScript. */
export const moment = (name: string) => timestamp(name, { withTimezone: true, mode: 'date' });

/** PostgreSQL's 64-bit transaction id, kept as text. It orders changes by who can see them. */
export const xid8 = customType<{ data: string }>({ dataType: () => 'xid8' });

/** `column = any(ids)` with one parameter, however many ids there are (a list has room for 65,535). */
export const isAnyOf = (column: AnyColumn | SQL, ids: readonly number[]) =>
  sql`${column} = any(${`{${ids.join(',')}}`}::bigint[])`;
