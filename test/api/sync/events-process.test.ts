import { afterEach, beforeEach, expect, it } from 'vitest';
import { createApiKey } from '../../../src/db/api-keys.ts';
import type { ApiProcess } from '../../support/api-process.ts';
import { ADMIN_PASSWORD, startApiProcess } from '../../support/api-process.ts';
import { freshDatabase } from '../../support/database.ts';
import { freshPrefix, redisUrl } from '../../support/redis.ts';
import { basic, bearer } from '../http/start-api.ts';
import { heard, openListener } from './event-listener.ts';

let database: Awaited<ReturnType<typeof freshDatabase>>;
let server: ApiProcess | undefined;
beforeEach(async () => {
  database = await freshDatabase();
});
afterEach(async () => {
  server?.child.kill('SIGKILL');
  await server?.exit;
  await database.close();
});

it('a process that people listen to ends all the same when it is asked to, and in good order', async () => {
  server = startApiProcess({
    ...{ DATABASE_URL: database.url, REDIS_URL: redisUrl(), QUEUE_PREFIX: freshPrefix() },
    // Whoever waits for this deadline ends with 1.
    SHUTDOWN_DEADLINE: '50s',
  });
  const url = await server.listening();
  const { key } = await createApiKey(database.db, { name: 'listener', scopes: ['bc:read'] });
  const listeners = [
    await openListener(`${url}/api/v1/sync/events`, bearer(key)),
    await openListener(`${url}/admin/api/v1/sync/events`, basic('admin', ADMIN_PASSWORD)),
  ];
  for (const listener of listeners) await heard(listener, 'state', () => true);
  server.child.kill('SIGTERM');
  for (const listener of listeners) await listener.ended;
  expect(await server.exit).toBe(0);
});
