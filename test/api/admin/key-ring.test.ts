import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { afterAll, beforeAll, expect, it, onTestFinished, vi } from 'vitest';
import { createApiKeyCache } from '../../../src/api/plugins/api-key-auth.ts';
import { findApiKey, newKeyText, touchApiKey } from '../../../src/db/api-keys.ts';
import { type Database, openDatabase } from '../../../src/db/client.ts';
import { apiKey } from '../../../src/db/schema/gateway.ts';
import { createLogger } from '../../../src/shared/logger.ts';
import { freshDatabase } from '../../support/database.ts';
import { waitFor } from '../../support/wait-for.ts';

const log = createLogger('silent', 'test');
let database: Awaited<ReturnType<typeof freshDatabase>>;
beforeAll(async () => {
  database = await freshDatabase();
});
afterAll(() => database.close());

async function makeKeys(count: number, lastUsedAt: Date | null = new Date()) {
  const keys = Array.from({ length: count }, newKeyText);
  const used = { name: 'many', scopes: ['bc:read'] as const, lastUsedAt };
  await database.db.insert(apiKey).values(keys.map(({ prefix, hash }) => ({ ...used, prefix, hash })));
  return keys;
}

/** The same database, and how many readings and changes were asked of it. */
function counting() {
  let asked = 0;
  const select = (columns: never) => {
    asked += 1;
    return database.db.select(columns);
  };
  let changed = 0;
  const update = (table: typeof apiKey) => {
    changed += 1;
    return database.db.update(table);
  };
  const db: Database = Object.assign(Object.create(database.db), { select, update });
  return { db, asked: () => asked, changed: () => changed };
}

it('asks PostgreSQL once for callers that come at once, and again only after a while', async () => {
  const [key = newKeyText()] = await makeKeys(1);
  const { db, asked } = counting();
  const ring = createApiKeyCache(db, log);
  expect(ring.knows(key)).toBe(false);
  await Promise.all(Array.from({ length: 64 }, () => ring.find(key)));
  await ring.find(key);
  expect(asked()).toBe(1);
  expect(ring.knows(key)).toBe(true);
  expect(ring.knows({ ...key, hash: newKeyText().hash })).toBe(false);
});

it('trusts a key that was read a moment ago, and none that only begins like it, is over, or was read too long ago', async () => {
  const [key = newKeyText(), over = newKeyText()] = await makeKeys(2);
  const ring = createApiKeyCache(database.db, log);
  expect(ring.trusted(key)).toBeNull();
  await ring.find(key);
  expect(ring.trusted(key)).toMatchObject({ prefix: key.prefix, name: 'many' });
  expect(ring.trusted({ ...key, hash: newKeyText().hash })).toBeNull();
  await database.client`update api_key set revoked_at = now() where prefix = ${over.prefix}`;
  await expect(ring.find(over)).rejects.toMatchObject({ code: 'revoked_key' });
  expect(ring.trusted(over)).toBeNull();
  const later = performance.now() + 5001;
  vi.spyOn(performance, 'now').mockReturnValue(later);
  onTestFinished(() => void vi.restoreAllMocks());
  expect(ring.trusted(key)).toBeNull();
});

it('notes a use once a minute: a process says so once, and PostgreSQL hears the first of several', async () => {
  const [key = newKeyText()] = await makeKeys(1, null);
  const { db, changed } = counting();
  const ring = createApiKeyCache(db, log);
  const { id } = await ring.find(key);
  await ring.find(key);
  expect(changed()).toBe(1);
  const lastUse = async () => (await findApiKey(database.db, key.prefix))?.lastUsedAt;
  const first = await waitFor(lastUse, 'the use to be noted');
  await touchApiKey(database.db, id);
  expect(await lastUse()).toEqual(first);
});

it('remembers unknown prefixes as well', async () => {
  await makeKeys(1);
  const { db, asked } = counting();
  const ring = createApiKeyCache(db, log);
  const key = newKeyText();
  await expect(ring.find(key)).rejects.toMatchObject({ code: 'bad_key' });
  const once = asked();
  await expect(ring.find(key)).rejects.toMatchObject({ code: 'bad_key' });
  expect(asked()).toBe(once);
});

it('does not wait for a PostgreSQL that keeps silent', async () => {
  const server = createServer(() => {}).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const { db, close } = openDatabase(`postgres://user:hush@127.0.0.1:${port}/silent`);
  const ring = createApiKeyCache(db, log);
  await expect(ring.find(newKeyText())).rejects.toMatchObject({ code: 'database_unavailable' });
  expect(await ring.hasUsable()).toBe(true);
  server.close();
  await close();
});

it('keeps 1,000 keys at most, those read last, whatever is guessed', async () => {
  const ring = createApiKeyCache(database.db, log);
  const keys = await makeKeys(1001);
  for (const key of keys) await ring.find(key);
  expect(keys.filter((key) => ring.knows(key))).toHaveLength(1000);
  expect(keys.map((key) => ring.knows(key)).indexOf(true)).toBe(1);
  for (let guesses = 0; guesses < 1001; guesses += 1) await ring.find(newKeyText()).catch(() => {});
  expect(keys.filter((key) => ring.knows(key))).toHaveLength(1000);
});
