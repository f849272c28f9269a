import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readState } from '../../../src/db/runs/lease.ts';
import type { TestSetup } from '../../support/test-setup.ts';
import { openTestSetup } from '../../support/test-setup.ts';

const html = createServer((_request, response) => {
  response.setHeader('content-type', 'text/html').end('<html><body>Maintenance</body></html>');
});
const silent = createServer(() => {});
const urlOf = (server: typeof html) => `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

describe('an Odoo that cannot be used', () => {
  let setup: TestSetup;
  beforeAll(async () => {
    await Promise.all(
      [html, silent].map((server) => new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))),
    );
    setup = await openTestSetup({ sandbox: { documents: 5 } });
    const stop = await setup.work();
    await setup.run('full');
    await stop();
  });
  afterAll(async () => {
    await setup?.close();
    for (const server of [html, silent]) {
      server.closeAllConnections();
      server.close();
    }
  });

  it.each([
    ['is not there', () => ({ ODOO_URL: 'http://127.0.0.1:9' }), 'odoo_unreachable', '127.0.0.1:9'],
    ['has no such database', () => ({ ODOO_DB: 'ailleurs' }), 'odoo_unknown_database', 'ailleurs'],
    ['refuses the password', () => ({ ODOO_PASSWORD: 'faux' }), 'odoo_bad_credentials', 'ODOO_PASSWORD'],
    ['has no such model', () => ({ ODOO_MODEL: 'no.such' }), 'odoo_unknown_model', 'no.such'],
    ['hangs', () => ({ ODOO_URL: urlOf(silent), ODOO_TIMEOUT_MS: '200' }), 'odoo_timeout', '200'],
    ['answers a web page', () => ({ ODOO_URL: urlOf(html) }), 'odoo_malformed_answer', 'web page'],
  ])('fails the run with its own message when it %s', async (_case, env, code, named) => {
    await fails(env(), code, named);
  });

  it('fails the run with its own message when the user has no access to the model', async () => {
    setup.odoo.faults.denyModel('dimagaz.bc');
    await fails({}, 'odoo_access_denied', 'dimagaz.bc');
    setup.odoo.faults.clear();
  });

  it('stops asking an Odoo that refused the login, and fails each run all the same', async () => {
    const logins = () => setup.odoo.calls.filter(({ method }) => method === 'authenticate').length;
    const before = logins();
    const testMirror = setup.also({ ODOO_PASSWORD: 'faux' });
    const stop = await testMirror.work();
    const runs = [
      await testMirror.run('full'),
      await testMirror.run('incremental'),
      await testMirror.run('sweep'),
    ];
    runs.push(await testMirror.run('single', [1]));
    await stop();
    for (const run of runs)
      expect(run).toMatchObject({
        status: 'failed',
        errorCode: 'odoo_bad_credentials',
        errorMessage: expect.stringContaining('one that is restarted tries at once'),
      });
    expect(logins()).toBe(before + 1);
    await fails({ ODOO_PASSWORD: 'faux' }, 'odoo_bad_credentials', 'ODOO_PASSWORD');
    expect(logins()).toBe(before + 2);
  });

  async function fails(env: Record<string, string>, code: string, named: string): Promise<void> {
    const before = await content();
    const testMirror = setup.also(env);
    const stop = await testMirror.work();
    const run = await testMirror.run('full');
    await stop();
    expect(run).toMatchObject({ status: 'failed', errorCode: code });
    expect(run.errorMessage?.toLowerCase()).toContain(named.toLowerCase());
    expect(run.errorMessage).not.toMatch(/Traceback|faux|File "/);
    expect(await readState(setup.mirror.db, 'bclinbc')).toMatchObject({ held: false, isSyncing: false });
    expect(await content()).toEqual(before);
  }

  const content = () => setup.database.client`
    select b.odoo_id, b.fields, b.synced_at, (select last_sync from sync_state) from scrap_dimagaz_bc b order by 1`;
});
