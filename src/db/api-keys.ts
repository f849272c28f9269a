import { hash, randomBytes, randomInt } from 'node:crypto';
import { and, asc, eq, gt, isNull, lt, or, sql } from 'drizzle-orm';
import type { Queryable } from './client.ts';
import { isAnyOf } from './schema/columns.ts';
import { type ApiKeyRow, apiKey, type Scope } from './schema/gateway.ts';

/** A new API key: the text for its holder, and the parts that are stored. */
export interface KeyText {
  /** The secret text. */
  readonly key: string;
  /** The public part, by which its row is found. */
  readonly prefix: string;
  /** SHA-256 of the whole key, in hexadecimal. */
  readonly hash: string;
}

const SHAPE = /^psl_([a-z]{8})_[A-Za-z0-9_-]{43}$/;
const SECRET_BYTES = 32;
/** Only letters, so that a prefix cannot look like the id of a key. */
const LETTERS = 'abcdefghijklmnopqrstuvwxyz';

/** Creates a key: `psl_`, eight letters as its name, `_`, 256 random bits. */
export function newKeyText(): KeyText {
  const prefix = Array.from({ length: 8 }, () => LETTERS[randomInt(LETTERS.length)]).join('');
  const key = `psl_${prefix}_${randomBytes(SECRET_BYTES).toString('base64url')}`;
  return { key, prefix, hash: sha256(key) };
}

/** Null for a text that cannot be a key. */
export function readKeyText(text: string): KeyText | null {
  const [key, prefix] = SHAPE.exec(text) ?? [];
  return key === undefined || prefix === undefined ? null : { key, prefix, hash: sha256(key) };
}

function sha256(text: string): string {
  return hash('sha256', text, 'hex');
}

export interface NewApiKey {
  readonly name: string;
  readonly scopes: readonly Scope[];
  /** The mirrors that the key may reach; empty: all. */
  readonly mirrors?: readonly string[];
  /** Patterns of Tryton methods; empty: all reads. */
  readonly methods?: readonly string[];
  /** Members of the Tryton context that the key fixes. */
  readonly context?: ApiKeyRow['context'];
  /** Null: it does not expire. */
  readonly expiresAt?: Date | null;
}

/** Creates a key. Its text cannot be read again later. */
export async function createApiKey(
  db: Queryable,
  { name, scopes, mirrors = [], methods = [], context = {}, expiresAt = null }: NewApiKey,
): Promise<{ readonly key: string; readonly row: ApiKeyRow }> {
  const { key, prefix, hash } = newKeyText();
  const [row] = await db
    .insert(apiKey)
    .values({ name, prefix, hash, scopes, mirrors, methods, context, expiresAt })
    .returning();
  if (row === undefined) throw new Error('an insert returned no row');
  return { key, row };
}

export async function findApiKey(db: Queryable, prefix: string): Promise<ApiKeyRow | null> {
  const [row] = await db.select().from(apiKey).where(eq(apiKey.prefix, prefix));
  return row ?? null;
}

/** All keys, including revoked and expired ones, oldest first. */
export async function listApiKeys(db: Queryable): Promise<ApiKeyRow[]> {
  return db.select().from(apiKey).orderBy(asc(apiKey.id));
}

const isUsable = and(
  isNull(apiKey.revokedAt),
  or(isNull(apiKey.expiresAt), gt(apiKey.expiresAt, sql`clock_timestamp()`)),
);

/** Whether any key is valid now. */
export async function hasUsableKey(db: Queryable): Promise<boolean> {
  const rows = await db.select({ id: apiKey.id }).from(apiKey).where(isUsable).limit(1);
  return rows.length > 0;
}

/** The valid ones among these keys. */
export async function usableKeys(db: Queryable, ids: readonly number[]): Promise<ReadonlySet<number>> {
  const rows = await db
    .select({ id: apiKey.id })
    .from(apiKey)
    .where(and(isAnyOf(apiKey.id, ids), isUsable));
  return new Set(rows.map(({ id }) => id));
}

/**
 * Revokes a key permanently. A revoked key keeps its date.
 *
 * @param which the id, the prefix, or the text of the key.
 * @returns null if there is no such key.
 */
export async function revokeApiKey(db: Queryable, which: string): Promise<ApiKeyRow | null> {
  const id = /^\d{1,15}$/.test(which) ? Number(which) : null;
  const [row] = await db
    .update(apiKey)
    .set({ revokedAt: sql`coalesce(${apiKey.revokedAt}, clock_timestamp())` })
    .where(id === null ? eq(apiKey.prefix, readKeyText(which)?.prefix ?? which) : eq(apiKey.id, id))
    .returning();
  return row ?? null;
}

/** Records that a key was used, at most once a minute over all processes. */
export async function touchApiKey(db: Queryable, id: number): Promise<void> {
  const aMinuteAgo = sql`clock_timestamp() - interval '1 minute'`;
  await db
    .update(apiKey)
    .set({ lastUsedAt: sql`clock_timestamp()` })
    .where(and(eq(apiKey.id, id), or(isNull(apiKey.lastUsedAt), lt(apiKey.lastUsedAt, aMinuteAgo))));
}
