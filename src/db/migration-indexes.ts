import { sql } from 'drizzle-orm';
import type { Database } from './connection.ts';
import type { Migration } from './migrations.ts';

const COMMENTS = /^(\s*--[^\n]*\n)+/;
const CONCURRENT = /^\s*(create|drop)\s+(unique\s+)?index\s+concurrently\b/i;
const CREATES = /^\s*create\s+(?:unique\s+)?index\s+concurrently\s+if\s+not\s+exists\s+"(\w+)"/i;

/** Whether it only builds and drops indexes beside writers, which PostgreSQL does outside of transactions. */
export function isConcurrent({ statements }: Pick<Migration, 'statements'>): boolean {
  return statements.every((statement) => CONCURRENT.test(withoutComments(statement)));
}

/**
 * Runs its statements one by one; what an earlier try has done is left alone. `create index concurrently` waits for the
 * transactions that are older than it, holds nobody up meanwhile, and leaves an invalid index when it is cut off.
 */
export async function buildIndexes(
  db: Database,
  { tag, statements }: Migration,
  onStep: (line: string) => void,
): Promise<void> {
  for (const statement of statements.map(withoutComments)) {
    const [, name] = CREATES.exec(statement) ?? [];
    if (name !== undefined) {
      onStep(`${tag}: index ${name}, beside writers, after the transactions that are open now`);
      await dropInvalid(db, name);
    }
    await db.execute(sql.raw(statement));
  }
}

async function dropInvalid(db: Database, name: string): Promise<void> {
  const [invalid] = await db.execute(
    sql`select 1 from pg_index where indexrelid = to_regclass(quote_ident(${name})) and not indisvalid`,
  );
  if (invalid !== undefined) await db.execute(sql`drop index concurrently if exists ${sql.identifier(name)}`);
}

const withoutComments = (statement: string) => statement.replace(COMMENTS, '');
