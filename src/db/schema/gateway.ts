import { sql } from 'drizzle-orm';
import { bigserial, jsonb, pgTable, text, uniqueIndex } from 'drizzle-orm/pg-core';
import { moment } from './columns.ts';

/** The scopes of a key. `admin` includes all of them. */
export const SCOPES = ['bc:read', 'sync:write', 'tryton:call', 'admin'] as const;
export type Scope = (typeof SCOPES)[number];

/** One row per key, including revoked ones. The text of the key is shown once and stored nowhere. */
export const apiKey = pgTable(
  'api_key',
  {
    id: bigserial('id', { mode: 'number' }).primaryKey(),
    name: text('name').notNull(),
    /** The public part of the key, by which its row is found. */
    prefix: text('prefix').notNull(),
    /** SHA-256 of the whole key, in hexadecimal. The key is random, so it needs no slower hash. */
    hash: text('hash').notNull(),
    scopes: jsonb('scopes').$type<readonly Scope[]>().notNull(),
    /** The mirrors that the key may reach; empty: all. */
    mirrors: jsonb('mirrors').$type<readonly string[]>().notNull().default(sql`'[]'`),
    /** Patterns of allowed Tryton methods; empty: all reads. */
    methods: jsonb('methods').$type<readonly string[]>().notNull().default(sql`'[]'`),
    /** Members of the Tryton context that the key fixes: they override those of the caller. */
    context: jsonb('context').$type<Readonly<Record<string, unknown>>>().notNull().default(sql`'{}'`),
    createdAt: moment('created_at').notNull().defaultNow(),
    expiresAt: moment('expires_at'),
    /** Precise to the minute. */
    lastUsedAt: moment('last_used_at'),
    revokedAt: moment('revoked_at'),
  },
  (table) => [uniqueIndex('api_key_prefix').on(table.prefix)],
);

/** The last state of Tryton, one row per server, database and user. It survives a restart. */
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
