import { sql } from 'drizzle-orm';
import type { Database } from '../../src/db/client.ts';
import { bc } from '../../src/db/schema/documents.ts';
import { ForeignMirrorError } from './errors.ts';

const MARK = 'mirrors the sandbox of the demo';

/**
 * Makes a given, migrated database the demo's, unless it holds the mirror of a real Odoo.
 *
 * @throws ForeignMirrorError
 */
export async function claimDatabase(db: Database): Promise<void> {
  const [found] = await db.execute<{ used: boolean; mark: string | null }>(sql`
    select exists(select from ${bc}) as used, obj_description('sync_state'::regclass, 'pg_class') as mark`);
  if (found?.used === true && found.mark !== MARK) throw new ForeignMirrorError();
  await db.execute(sql.raw(`comment on table sync_state is '${MARK}'`));
}
