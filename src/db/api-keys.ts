import { hash, randomBytes, randomInt } from 'node:crypto';
import { and, asc, eq, gt, isNull, lt, or, sql } from 'drizzle-orm';
import type { Queryable } from './client.ts';
import { isAnyOf } from './schema/columns.ts';
import { type ApiKeyRow, apiKey, type Scope } from './schema/gateway.ts';

/** An API key as its holder has it, and what of it is kept. */
export interface KeyText {
  /** The secret itself. */
  readonly key: string;
  /** The part that finds its row, and that people may see. */
  readonly prefix: string;
  /** SHA-256 of the whole key, in hexadecimal. */
  readonly hash: string;
}

const SHAPE = /^psl_([a-z]{8})_[A-Za-z0-9_-]{43}$/;
const SECRET_BYTES = 32;
/** Letters only, so that no prefix reads as the id of a key. */
const LETTERS = 'abcdefghijklmnopqrstuvwxyz';

/** A new key: `psl_`, eight letters that name it, `_`, 256 random bits. */
export function newKeyText(): KeyText {
  const prefix = Array.from({ length: 8 }, () => LETTERS[randomInt(LETTERS.length)]).join('');
  const key = `psl_${prefix}_${randomBytes(SECRET_BYTES).toString('base64url')}`;
  return { key, prefix, hash: sha256(key) };
}

/** Null for what cannot be a key. */
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
  /** Patterns of Tryton methods; none: the reads. */
  readonly methods?: readonly string[];
  /** Null: never. */
  readonly expiresAt?: Date | null;
}

/** Makes a key. This is the only time that its text is known. */
export async function createApiKey(
  db: Queryable,
  { name, scopes, methods = [], expiresAt = null }: NewApiKey,
): Promise<{ readonly key: string; readonly row: ApiKeyRow }> {
  const { key, prefix, hash } = newKeyText();
  const [row] = await db
    .insert(apiKey)
    .values({ name, prefix, hash, scopes, methods, expiresAt })
    .returning();
  if (row === undefined) throw new Error('an insert returned no row');
  return { key, row };
}

export async function findApiKey(db: Queryable, prefix: string): Promise<ApiKeyRow | null> {
  const [row] = await db.select().from(apiKey).where(eq(apiKey.prefix, prefix));
  return row ?? null;
}

/** Every key that ever was, oldest first. */
export async function listApiKeys(db: Queryable): Promise<ApiKeyRow[]> {
  return db.select().from(apiKey).orderBy(asc(apiKey.id));
}

const isUsable = and(
  isNull(apiKey.revokedAt),
  or(isNull(apiKey.expiresAt), gt(apiKey.expiresAt, sql`clock_timestamp()`)),
);

/** Whether any key would be let in now. */
export async function hasUsableKey(db: Queryable): Promise<boolean> {
  const rows = await db.select({ id: apiKey.id }).from(apiKey).where(isUsable).limit(1);
  return rows.length > 0;
}

/** Those of some keys that would still be let in. */
export async function usableKeys(db: Queryable, ids: readonly number[]): Promise<ReadonlySet<number>> {
  const rows = await db
    .select({ id: apiKey.id })
    .from(apiKey)
    .where(and(isAnyOf(apiKey.id, ids), isUsable));
  return new Set(rows.map(({ id }) => id));
}

/**
 * Revokes a key for good; one that is revoked already keeps its date.
 *
 * @param which its id, its prefix, or the whole key.
 * @returns null where there is no such key.
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

/** Notes that a key was used, at most once a minute, however many processes ask for it. */
export async function touchApiKey(db: Queryable, id: number): Promise<void> {
  const aMinuteAgo = sql`clock_timestamp() - interval '1 minute'`;
  await db
    .update(apiKey)
    .set({ lastUsedAt: sql`clock_timestamp()` })
    .where(and(eq(apiKey.id, id), or(isNull(apiKey.lastUsedAt), lt(apiKey.lastUsedAt, aMinuteAgo))));
}
