import { eq } from 'drizzle-orm';
import { z } from 'zod';
import { createApiKey } from '../../src/db/api-keys.ts';
import type { Database } from '../../src/db/client.ts';
import { apiKey } from '../../src/db/schema/gateway.ts';
import { poll } from '../../src/embedded/probes.ts';
import { atMost, type Context, type Ending } from './context.ts';
import { WrongCountError } from './errors.ts';

const START_LIMIT_MS = 60_000;

const list = z.object({
  total: z.int(),
  items: z.array(z.object({ odooId: z.int(), fields: z.record(z.string(), z.unknown()) })),
});

/** Waits until the API finds everything it needs. */
export async function untilReady(url: string, ending: Ending): Promise<void> {
  const ready = async () => {
    ending.check();
    return (await statusOf(`${url}/readyz`)) === 200;
  };
  await poll(ready, `the API to be ready at ${url}/readyz`, START_LIMIT_MS);
}

/** Whether there is a page at all, also behind a password. */
export async function exists(url: string): Promise<boolean> {
  const status = await statusOf(url);
  return status !== null && status < 500 && status !== 404;
}

/** Null without an answer. */
async function statusOf(url: string): Promise<number | null> {
  try {
    const response = await fetch(url, { redirect: 'manual' });
    await response.arrayBuffer();
    return response.status;
  } catch {
    return null;
  }
}

/** The address of the API, and a key for it. */
export interface Address {
  readonly url: string;
  readonly key: string;
}

export interface Listed {
  readonly total: number;
  /** The first BC of the list. */
  readonly id: number;
  readonly name: string | null;
}

/**
 * The list of the API, once its count equals the count in the database.
 *
 * @throws WrongCountError
 */
export async function checkList({ url, key }: Address, inDatabase: () => Promise<number>): Promise<Listed> {
  // Before and after, because a run may end in between.
  const before = await inDatabase();
  const response = await fetch(`${url}/api/v1/bc?limit=1&count=exact`, {
    headers: { authorization: `Bearer ${key}` },
  });
  const { total, items } = list.parse(await response.json());
  const after = await inDatabase();
  if (total < Math.min(before, after) || total > Math.max(before, after)) {
    throw new WrongCountError('The API', total, 'the database', after);
  }
  const [first] = items;
  const name = first?.fields['name'];
  return { total, id: first?.odooId ?? 0, name: typeof name === 'string' ? name : null };
}

const REMOVAL_LIMIT_MS = 5000;
/** The key expires even if the demo cannot revoke it. */
const LIFE_MS = 30 * 86_400_000;

/** An API key for everything that the demo shows. A given database does not keep it. */
export async function makeDemoKey({ ending, defer }: Context, db: Database): Promise<string> {
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
