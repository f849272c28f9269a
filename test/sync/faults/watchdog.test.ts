import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readState } from '../../../src/db/runs/lease.ts';
import { createRun } from '../../../src/db/runs/runs.ts';
import { planRun } from '../../../src/sync/planning/plan-run.ts';
import { advanceRun } from '../../../src/sync/runs/advance-run.ts';
import { acquireRun } from '../../../src/sync/runs/run-lease.ts';
import { redisUrl } from '../../support/redis.ts';
import type { TestSetup } from '../../support/test-setup.ts';
import { openTestSetup } from '../../support/test-setup.ts';
import { waitFor } from '../../support/wait-for.ts';
import type { RedisProxy } from '../../tryton/cache/redis-proxy.ts';
import { startRedisProxy } from '../../tryton/cache/redis-proxy.ts';

const KEY = 'bclinbc';

describe('the watchdog of a worker whose Redis does not answer', () => {
  let proxy: RedisProxy;
  let setup: TestSetup;
  beforeEach(async () => {
    proxy = await startRedisProxy(redisUrl());
    setup = await openTestSetup({ env: { REDIS_URL: proxy.url, SYNC_LEASE: '3s', QUEUE_LOCK: '1s' } });
  });
  afterEach(async () => {
    await proxy.up();
    await setup.close();
    await proxy.stop();
  });

  const lastBeat = async () => (await readState(setup.mirror.db, KEY))?.leaseHeartbeatAt?.getTime() ?? 0;
  const beats = async (times: number) => {
    for (let beat = 0, before = await lastBeat(); beat < times; beat += 1) {
      before = await waitFor(async () => (await lastBeat()) > before && lastBeat(), 'a heartbeat');
    }
  };

  it('keeps the lease alive and leaves the lock to others; the run ends when Redis is back', async () => {
    const { mirror } = setup;
    const { id } = await createRun(mirror.db, { key: KEY, mode: 'full', trigger: 'cli' });
    const run = await acquireRun(mirror, id);
    if (run === null) throw new Error('the lease is taken');
    await planRun(mirror, run);
    proxy.hang();
    await setup.work();
    await beats(4);
    const locks = await setup.database.client`
      select 1 from pg_locks join pg_database as d on d.oid = database
      where locktype = 'advisory' and d.datname = current_database()`;
    expect([...locks]).toEqual([]);
    expect((await readState(mirror.db, KEY))?.held).toBe(true);
    await proxy.up();
    await advanceRun(mirror, id);
    expect(await setup.ended(id)).toMatchObject({
      status: 'success',
      created: setup.odoo.count('dimagaz.bc'),
    });
  });
});
