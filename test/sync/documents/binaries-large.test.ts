import { createHash, randomBytes } from 'node:crypto';
import { Redis } from 'ioredis';
import { afterEach, describe, expect, it } from 'vitest';
import { redisUrl } from '../../support/redis.ts';
import type { TestSetup } from '../../support/test-setup.ts';
import { openTestSetup } from '../../support/test-setup.ts';
import { startWorkerProcess } from '../../support/worker-process.ts';

const BC = 'dimagaz.bc';
const MB = 1024 * 1024;
const scanOf = (bytes: number) => randomBytes(bytes).toString('base64');
const sha256 = (base64: string) => createHash('sha256').update(Buffer.from(base64, 'base64')).digest('hex');

describe('a scan of 20 MB', () => {
  let setup: TestSetup;
  let now = new Date('2026-03-02T08:00:00.000Z');
  afterEach(() => setup.close());

  const open = async (env: Record<string, string>) => {
    setup = await openTestSetup({ sandbox: { documents: 3, clock: () => now }, env });
  };
  const stored = async (id: number) => {
    const [row] = await setup.database.client`
      select encode(sha256(decode(fields->>'scan', 'base64')), 'hex') as digest from scrap_dimagaz_bc where odoo_id = ${id}`;
    return row?.['digest'];
  };
  const contentReads = () =>
    setup.odoo.calls
      .filter(({ model, method, ids }) => model === BC && method === 'read' && ids?.length === 1)
      .flatMap(({ ids }) => ids);
  /** The largest key of this mirror in Redis, in bytes, looked at until the run is over. */
  const largestKeyUntil = async (runId: number) => {
    const redis = new Redis(redisUrl());
    let largest = 0;
    const look = async () => {
      for (const key of await redis.keys(`${setup.env['QUEUE_PREFIX']}:*`)) {
        largest = Math.max(largest, Number(await redis.call('MEMORY', 'USAGE', key, 'SAMPLES', '0')));
      }
    };
    let over = false;
    const ended = setup.ended(runId).finally(() => {
      over = true;
    });
    while (!over) await look();
    await look();
    redis.disconnect();
    return { run: await ended, largest };
  };

  // The other protocols differ only in how they are decoded.
  it.each([
    ['json2', 20],
    ['xmlrpc', 4],
    ['jsonrpc', 4],
  ])(
    'is mirrored whole over %s (here %i MB), and read again only when it changed',
    async (protocol, size) => {
      await open({ ODOO_PROTOCOL: protocol });
      const scans = [scanOf(size * MB), scanOf(2 * MB)];
      const [large = 0, small = 0] = scans.map((scan) => setup.odoo.create(BC, { name: 'BC/SCAN', scan }));
      await setup.work();
      const { run, largest } = await largestKeyUntil(await setup.request('full'));
      expect(run).toMatchObject({ status: 'success', created: 5, protocol });
      expect([await stored(large), await stored(small)]).toEqual(scans.map(sha256));
      expect(largest).toBeGreaterThan(0);
      expect(largest).toBeLessThan(MB);

      setup.odoo.calls.length = 0;
      expect(await setup.run('full')).toMatchObject({ status: 'success', updated: 0, unchanged: 5 });
      expect(contentReads()).toEqual([]);

      now = new Date(now.getTime() + 60_000);
      const [before = '', after] = [scans[0], scanOf(size * MB + 1)];
      setup.odoo.write(BC, [large], { scan: after });
      expect(await setup.run('incremental')).toMatchObject({ status: 'success', updated: 1 });
      expect(contentReads()).toEqual([large]);
      expect(await stored(large)).toBe(sha256(after));
      const trail = await setup.database
        .client`select changes from audit_log where odoo_id = ${large} order by id`;
      expect(trail.map(({ changes }) => changes.header?.scan)).toEqual([
        undefined,
        {
          old: { bytes: size * MB, sha256: sha256(before) },
          new: { bytes: size * MB + 1, sha256: sha256(after) },
        },
      ]);
    },
  );

  it('passes a worker with 256 MB of heap, on a line too', async () => {
    await open({ SYNC_BC_CONCURRENCY: '8' });
    const [scan, photo] = [scanOf(20 * MB), scanOf(20 * MB)];
    const id = setup.odoo.create(BC, { name: 'BC/SCAN', scan });
    const [owner = 0] = setup.odoo.ids(BC);
    const line = setup.odoo.create('dimagaz.bc.line', { bc_id: owner, name: 'x', photo });
    const worker = startWorkerProcess({ ...setup.env, NODE_OPTIONS: '--max-old-space-size=256' });
    try {
      expect(await setup.run('full')).toMatchObject({ status: 'success', created: 4, failed: 0 });
      expect(await setup.run('full')).toMatchObject({ status: 'success', unchanged: 4 });
    } finally {
      worker.child.kill('SIGTERM');
      await worker.exit;
    }
    expect(await stored(id)).toBe(sha256(scan));
    const [row] = await setup.database.client`
      select fields->>'photo' = ${photo} as same from scrap_dimagaz_bc_line where odoo_id = ${line}`;
    expect(row).toEqual({ same: true });
  });
});

it('what a BC will weigh is reserved before its contents are read, nothing for one without', async () => {
  const setup = await openTestSetup({ sandbox: { documents: 2 } });
  const id = setup.odoo.create(BC, { name: 'BC/SCAN', scan: scanOf(3 * MB) });
  setup.odoo.create('dimagaz.bc.line', { bc_id: id, name: 'x', photo: scanOf(MB) });
  const reserved: number[] = [];
  const { contentMemory } = setup.mirror;
  const run = contentMemory.run.bind(contentMemory);
  contentMemory.run = (bytes, work) => {
    reserved.push(bytes);
    return run(bytes, work);
  };
  await setup.work();
  await setup.run('full');
  await setup.close();
  expect(reserved.map((bytes) => (bytes * 3) / 4 / MB).sort()).toEqual([expect.closeTo(4, 2)]);
});
