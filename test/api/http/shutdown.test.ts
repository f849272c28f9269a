import { constants } from 'node:os';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createApiKey } from '../../../src/db/api-keys.ts';
import type { ApiProcess } from '../../support/api-process.ts';
import { startApiProcess } from '../../support/api-process.ts';
import { freshDatabase } from '../../support/database.ts';
import { freshPrefix, redisUrl } from '../../support/redis.ts';
import { waitFor } from '../../support/wait-for.ts';
import { bearer } from './start-api.ts';

describe('an API that is asked to stop while it answers', () => {
  let database: Awaited<ReturnType<typeof freshDatabase>>;
  let server: ApiProcess | undefined;
  let letGo: (() => void) | undefined;
  beforeEach(async () => {
    database = await freshDatabase();
  });
  afterEach(async () => {
    letGo?.();
    server?.child.kill('SIGKILL');
    await server?.exit;
    await database.close();
  });

  /** Starts the API, and a request that waits until the table is released. */
  const start = async (env: Record<string, string>) => {
    const started = startApiProcess({
      ...{ DATABASE_URL: database.url, REDIS_URL: redisUrl(), QUEUE_PREFIX: freshPrefix(), ...env },
    });
    server = started;
    const url = await started.listening();
    const { key } = await createApiKey(database.db, { name: 'caller', scopes: ['bc:read'] });
    const released = new Promise<void>((resolve) => {
      letGo = resolve;
    });
    await new Promise<void>((locked, fail) => {
      const lock = database.client.begin(async (sql) => {
        await sql`lock table scrap_dimagaz_bc in access exclusive mode`;
        locked();
        await released;
      });
      lock.catch(fail);
    });
    const answer = fetch(`${url}/api/v1/bc`, { headers: bearer(key) });
    answer.catch(() => {});
    await waitFor(async () => {
      const [row] = await database.client`
        select count(*)::int as n from pg_locks where not granted and database =
          (select oid from pg_database where datname = current_database())`;
      return row?.['n'] > 0;
    }, 'the request to wait for the table');
    return { ...started, url, answer };
  };
  const stopping = ({ output }: ApiProcess) =>
    waitFor(() => output().includes('"msg":"stopping"'), 'the signal to be heard');

  it('says so to load balancers at once, still takes requests, and ends with 0 when all are answered', async () => {
    const api = await start({ SHUTDOWN_DRAIN: '2s' });
    api.child.kill('SIGTERM');
    await stopping(api);
    const ready = await fetch(`${api.url}/readyz`);
    expect(ready.status).toBe(503);
    expect(await ready.json()).toMatchObject({ code: 'not_ready', detail: 'The process is stopping.' });
    const alive = await fetch(`${api.url}/healthz`);
    expect(alive.status).toBe(200);
    expect(alive.headers.get('connection')).toBe('close');
    await waitFor(
      () =>
        fetch(`${api.url}/healthz`)
          .then(() => false)
          .catch(() => true),
      'the port to close',
    );
    expect(api.child.exitCode).toBeNull();
    letGo?.();
    const answer = await api.answer;
    expect(answer.status).toBe(200);
    expect(await answer.json()).toMatchObject({ items: [] });
    expect(await api.exit).toBe(0);
  });

  it('cuts off unfinished answers at the deadline, says so, and ends with 1', async () => {
    const api = await start({ SHUTDOWN_DEADLINE: '1s' });
    api.child.kill('SIGTERM');
    await expect(api.answer).rejects.toThrow();
    expect(await api.exit).toBe(1);
    expect(api.output()).toContain('"deadlineMs":1000');
  });

  it('ends at once at a second signal', async () => {
    const api = await start({ SHUTDOWN_DEADLINE: '1h' });
    api.child.kill('SIGTERM');
    await stopping(api);
    await waitFor(() => {
      if (api.child.exitCode === null) api.child.kill('SIGINT');
      return api.child.exitCode !== null;
    }, 'its end');
    expect(await api.exit).toBe(128 + constants.signals.SIGINT);
  });
});
