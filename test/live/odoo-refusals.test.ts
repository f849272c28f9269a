import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readState } from '../../src/db/runs/lease.ts';
import { freshDatabase } from '../support/database.ts';
import { freshPrefix, redisUrl } from '../support/redis.ts';
import type { Release } from '../support/test-setup.ts';
import { openTestMirror, QUICK } from '../support/test-setup.ts';

const {
  ODOO_URL: url,
  /** A user without access to the model, with its name as password. */
  ODOO_LIMITED_USER: limited,
} = process.env;

describe.skipIf(url === undefined)(`a run that the Odoo at ${url} cannot serve`, () => {
  let database: Awaited<ReturnType<typeof freshDatabase>>;
  const releases: Release[] = [];
  beforeAll(async () => {
    database = await freshDatabase();
  });
  afterAll(async () => {
    for (const release of releases.reverse()) await release();
    await database?.close();
  });

  const cases: [string, Record<string, string>, string][] = [
    ['a database that does not exist', { ODOO_DB: 'ailleurs' }, 'odoo_unknown_database'],
    ['a wrong password', { ODOO_PASSWORD: 'faux-mot' }, 'odoo_bad_credentials'],
    ['a model that does not exist', { ODOO_MODEL: 'no.such.model' }, 'odoo_unknown_model'],
    ['a line model that is no line of it', { ODOO_LINE_MODEL: 'res.country' }, 'odoo_lines_link'],
    ['no time to answer', { ODOO_TIMEOUT_MS: '1' }, 'odoo_timeout'],
    ['nobody at its address', { ODOO_URL: 'http://127.0.0.1:9' }, 'odoo_unreachable'],
  ];
  if (limited !== undefined) {
    const user = { ODOO_USER: limited, ODOO_PASSWORD: limited };
    cases.push(['a user without access to the model', user, 'odoo_access_denied']);
  }

  it.each(cases)(
    'fails with its own message for %s, and leaves nothing behind',
    async (_case, wrong, code) => {
      const given = Object.entries(process.env).filter(([name]) => name.startsWith('ODOO_'));
      const env = {
        ...QUICK,
        ...Object.fromEntries(given.map(([name, value]) => [name, value ?? ''])),
        ...wrong,
        DATABASE_URL: database.url,
        REDIS_URL: redisUrl(),
        QUEUE_PREFIX: freshPrefix(),
      };
      const testMirror = openTestMirror(env, releases);
      const stop = await testMirror.work();
      const run = await testMirror.run('full');
      await stop();
      expect(run).toMatchObject({ status: 'failed', errorCode: code });
      expect(run.errorMessage).not.toMatch(/Traceback|File "|faux-mot/);
      expect(await readState(testMirror.mirror.db, 'bclinbc')).toMatchObject({
        held: false,
        isSyncing: false,
        lastSync: null,
      });
      const [row] = await database.client`select count(*)::int as n from scrap_dimagaz_bc`;
      expect(row?.['n']).toBe(0);
    },
  );
});
