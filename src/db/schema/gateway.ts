import { sql } from 'drizzle-orm';
import { bigserial, jsonb, pgTable, text, uniqueIndex } from 'drizzle-orm/pg-core';
import { moment } from './columns.ts';

/** The scopes of a key. `admin` includes all of them. */
export const SCOPES = ['bc:read', 'sync:write', 'tryton:call', 'admin'] as const;
export type Scope = (typeof SCOPES)[number];

/** One row per key, revoked ones included. The key itself is shown once and kept nowhere. */
export const apiKey = pgTable(
  'api_key',
  {
    id: bigserial('id', { mode: 'number' }).primaryKey(),
    name: text('name').notNull(),
    /** The part of the key that finds its row, and that people see. */
    prefix: text('prefix').notNull(),
    /** SHA-256 of the whole key, in hexadecimal: the key is random enough to need no slower one. */
    hash: text('hash').notNull(),
    scopes: jsonb('scopes').$type<readonly Scope[]>().notNull(),
    /** Patterns of the Tryton methods it reaches; none: the reads. */
    methods: jsonb('methods').$type<readonly string[]>().notNull().default(sql`'[]'`),
    createdAt: moment('created_at').notNull().defaultNow(),
    expiresAt: moment('expires_at'),
    /** To the minute. */
    lastUsedAt: moment('last_used_at'),
    revokedAt: moment('revoked_at'),
  },
  (table) => [uniqueIndex('api_key_prefix').on(table.prefix)],
);

/** How Tryton was last seen, one row per server, database and user: outlives a restart. */
export const trytonHealth = pgTable('tryton_health', {
  /** `admin@https://erp.example/tryton/`. */
  target: text('target').primaryKey(),
  lastSuccessAt: moment('last_success_at'),
  lastSuccessMethod: text('last_success_method'),
  lastErrorAt: moment('last_error_at'),
  lastErrorMethod: text('last_error_method'),
  lastErrorCode: text('last_error_code'),
  lastErrorMessage: text('last_error_message'),
});

export type ApiKeyRow = typeof apiKey.$inferSelect;
