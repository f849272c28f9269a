import { sql } from 'drizzle-orm';
import { bigserial, index, jsonb, pgSequence, pgTable, text } from 'drizzle-orm/pg-core';
import type { OdooRecord } from '../../odoo/types.ts';
import { comparable } from '../documents/field-expressions.ts';
import { bigid, moment, xid8 } from './columns.ts';

/** Orders readings of Odoo: a number is taken before and after each one. */
export const fetchSequence = pgSequence('fetch_seq');

/** The columns that header and line share. `fields` is the unchanged record of Odoo. */
const mirrored = () => ({
  id: bigserial('id', { mode: 'number' }).primaryKey(),
  odooId: bigid('odoo_id').notNull().unique(),
  fields: jsonb('fields').$type<OdooRecord>().notNull(),
  odooCreateDate: moment('odoo_create_date'),
  odooWriteDate: moment('odoo_write_date'),
  contentHash: text('content_hash').notNull(),
  /**
   * Size texts of the binary fields when they were read: `{"scan": "1.43 Kb"}`. With equal text and write_date they are
   * not read again.
   */
  binarySizes: jsonb('binary_sizes').$type<Record<string, string>>().notNull().default({}),
  /** A number taken after the reading ended. A reading that began before it must not replace this one. */
  fetchSeq: bigid('fetch_seq').notNull(),
  fetchedAt: moment('fetched_at').notNull(),
  syncedAt: moment('synced_at').notNull(),
  archivedAt: moment('archived_at'),
  archiveReason: text('archive_reason'),
});

/**
 * The fields that lists are mostly sorted and filtered by, under the names that documents of Odoo share. Each index
 * slows every write by a few percent, so other fields have none; docs/contributing/design.md shows how to add one.
 */
const INDEXED_FIELDS = [
  ['name', 'text'],
  ['state', 'text'],
  ['date_order', 'text'],
  ['write_date', 'text'],
  ['partner_id', 'id'],
] as const;

export const headerTable = (name: string) =>
  pgTable(
    name,
    {
      ...mirrored(),
      /** The transaction that last changed the document (header or lines). A reader uses it to keep to one snapshot. */
      changedXid: xid8('changed_xid').notNull().default(sql`pg_current_xact_id()`),
      /** The transaction that first stored the BC; null for rows that are older than the column. */
      createdXid: xid8('created_xid').default(sql`pg_current_xact_id()`),
      /** When header or lines last changed in the mirror. */
      changedAt: moment('changed_at').notNull().defaultNow(),
    },
    (table) => [
      index(`${name}_live`).on(table.odooId).where(sql`${table.archivedAt} is null`),
      index(`${name}_archived`).on(table.odooId).where(sql`${table.archivedAt} is not null`),
      ...INDEXED_FIELDS.map(([field, extract]) =>
        index(`${name}_by_${field}`).on(
          comparable(sql`(${table.fields} -> ${sql.raw(`'${field}'`)})`, extract),
          table.odooId,
        ),
      ),
      index(`${name}_changed_at`).on(table.changedAt, table.odooId),
      index(`${name}_feed`).on(table.changedXid, table.odooId),
    ],
  );

export const lineTable = (name: string) =>
  pgTable(name, { ...mirrored(), bcOdooId: bigid('bc_odoo_id').notNull() }, (table) => [
    index(`${name}_bc`).on(table.bcOdooId, table.odooId),
  ]);

export type HeaderTable = ReturnType<typeof headerTable>;
export type LineTable = ReturnType<typeof lineTable>;

/** The tables of the mirror `bc`. Migrations create them; those of other mirrors are copies. */
export const bc = headerTable('scrap_dimagaz_bc');
export const bcLine = lineTable('scrap_dimagaz_bc_line');

/**
 * One row for each PostgreSQL server that assigned transaction ids to `changed_xid`, the newest last. A restored dump
 * or a promoted standby starts a new count, so older cursors of the change feed are not valid there.
 */
export const feedEpoch = pgTable('feed_epoch', {
  id: bigserial('id', { mode: 'number' }).primaryKey(),
  /** System identifier and timeline of the server, database and table: see `hereSql`. */
  server: text('server').notNull(),
  since: moment('since').notNull().defaultNow(),
});

export type BcRow = typeof bc.$inferSelect;
export type BcLineRow = typeof bcLine.$inferSelect;
