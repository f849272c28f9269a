import { execSync } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { verifyMirror } from '../../src/sync/maintenance/verify.ts';
import { freshDatabase } from '../support/database.ts';
import { freshPrefix, redisUrl } from '../support/redis.ts';
import type { Release, TestMirror } from '../support/test-setup.ts';
import { openTestMirror, QUICK } from '../support/test-setup.ts';

const {
  ODOO_URL: url,
  ODOO_API_KEY: apiKey,
  /** Changes the server's data and prints, as its last line, JSON whose `all` lists the BCs that changed. */
  ODOO_CHANGE_COMMAND: change,
} = process.env;

/** A full run of 10,000 BCs over XML-RPC on a busy machine. */
const PATIENCE_MS = 840_000;

const OTHER_PROTOCOLS = apiKey ? ['xmlrpc', 'json2'] : ['xmlrpc'];

describe.skipIf(url === undefined)(`the mirror of the Odoo at ${url}`, () => {
  let database: Awaited<ReturnType<typeof freshDatabase>>;
  const releases: Release[] = [];
  let testMirror: TestMirror;
  beforeAll(async () => {
    database = await freshDatabase();
    testMirror = open('jsonrpc');
    await testMirror.work();
  });
  afterAll(async () => {
    for (const release of releases.reverse()) await release();
    await database?.close();
  });

  const open = (protocol: string) => {
    const given = Object.entries(process.env).filter(([name]) => name.startsWith('ODOO_'));
    const env: Record<string, string> = {
      ...QUICK,
      ...Object.fromEntries(given.map(([name, value]) => [name, value ?? ''])),
      ODOO_PROTOCOL: protocol,
      DATABASE_URL: database.url,
      REDIS_URL: redisUrl(),
      QUEUE_PREFIX: freshPrefix(),
    };
    const secret = protocol === 'json2' ? { ODOO_PASSWORD: apiKey ?? '' } : {};
    return openTestMirror({ ...env, ...secret }, releases, PATIENCE_MS);
  };
  const verify = () => verifyMirror({ ...testMirror.mirror, pageSize: 500 }, () => {});
  const audited = async () => {
    const [row] = await database.client`select count(*)::int as n from audit_log`;
    return row?.['n'];
  };

  it('is complete after a full run, and verified record by record', async () => {
    const run = await testMirror.run('full');
    expect(run).toMatchObject({ status: 'success', failed: 0, created: run.seen });
    expect(await verify()).toMatchObject({ ok: true, missing: 0, extra: 0, different: 0 });
  });

  it('finds every BC unchanged in a second full run, and audits nothing', async () => {
    const before = await audited();
    const run = await testMirror.run('full');
    expect(run).toMatchObject({ status: 'success', unchanged: run.seen, created: 0, updated: 0 });
    expect(await audited()).toBe(before);
  });

  it.each(OTHER_PROTOCOLS)(
    'has the same hashes over %s: nothing differs from what JSON-RPC brought',
    async (protocol) => {
      const other = open(protocol);
      const stop = await other.work();
      const run = await other.run('full');
      await stop();
      expect(run).toMatchObject({ status: 'success', protocol, unchanged: run.seen, created: 0, updated: 0 });
    },
  );

  it.skipIf(change === undefined)(
    'brings all changes of an setup day in one incremental run, and only those',
    async () => {
      const answer =
        execSync(change ?? '', { encoding: 'utf8', maxBuffer: 1e8 })
          .trim()
          .split('\n')
          .at(-1) ?? '';
      const { all, created } = JSON.parse(answer) as { all: number[]; created: number };
      const run = await testMirror.run('incremental');
      expect(run).toMatchObject({ status: 'success', created: 1, updated: all.length - 1, failed: 0 });
      const trail =
        await database.client`select odoo_id, action from audit_log where run_id = ${run.id} order by 1`;
      expect(trail.map((row) => Number(row['odoo_id']))).toEqual(all);
      expect(trail.find((row) => row['action'] === 'created')?.['odoo_id']).toBe(String(created));
      expect(await verify()).toMatchObject({ ok: true });
    },
  );
});
