import { eq } from 'drizzle-orm';
import { createApiKey } from '../../src/db/api-keys.ts';
import type { Database } from '../../src/db/client.ts';
import { apiKey } from '../../src/db/schema/gateway.ts';
import type { Stage } from './stage.ts';
import { atMost } from './stage.ts';

const REMOVAL_LIMIT_MS = 5000;
/** Should the end of the demo not come to pass. */
const LIFE_MS = 30 * 86_400_000;

/** An API key for everything that the demo shows; a given database does not keep it. */
export async function makeDemoKey({ ending, defer }: Stage, db: Database): Promise<string> {
  const { key, row } = await ending.before(
    createApiKey(db, {
      name: 'demo',
      scopes: ['bc:read', 'sync:write', 'tryton:call'],
      methods: ['model.*'],
      expiresAt: new Date(Date.now() + LIFE_MS),
    }),
  );
  const remove = async () => db.delete(apiKey).where(eq(apiKey.id, row.id));
  defer(() =>
    atMost(
      REMOVAL_LIMIT_MS,
      remove().catch(() => {}),
    ),
  );
  return key;
}
