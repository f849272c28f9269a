import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { findOdooHealth, type OdooHealth, recordOdooHealth } from '../../src/db/upstream-health.ts';
import { odooTarget } from '../../src/upstream-health/odoo.ts';
import type { TestSetup } from '../support/test-setup.ts';
import { openTestSetup } from '../support/test-setup.ts';
import { waitFor } from '../support/wait-for.ts';

const SECRET = 'a-password-that-stays-secret';

describe('how a worker saw Odoo last', () => {
  let setup: TestSetup;
  beforeEach(async () => {
    setup = await openTestSetup({
      sandbox: { password: SECRET, documents: 40 },
      env: { SYNC_PAGE_SIZE: '16' },
    });
  });
  afterEach(() => setup.close());

  const seen = (wanted: (health: OdooHealth) => boolean) =>
    waitFor(async () => {
      const found = await findOdooHealth(setup.mirror.db);
      return found !== null && wanted(found) && found;
    }, 'Odoo to be seen');

  it('is its last answer, its version, its protocol and how long it takes', async () => {
    setup.odoo.faults.latencyMs = 30;
    await setup.work();
    await setup.run('full');
    const health = await seen(({ success, version }) => success?.method !== 'version' && version !== null);
    expect(health).toMatchObject({ version: '19.0', protocol: 'json2', error: null });
    const { url, db, user } = setup.odoo;
    expect(health.target).toBe(odooTarget({ url, db, user }));
    expect(health.latencyMs).toBeGreaterThanOrEqual(30);
    expect(await findOdooHealth(setup.mirror.db, 'another@https://odoo.example.com/x')).toBeNull();
  });

  it('is its last error too, with its code and without a secret', async () => {
    await setup.work();
    setup.odoo.faults.when({ method: 'search' }, 'unavailable');
    await setup.run('full');
    const { error } = await seen((health) => health.error !== null);
    expect(error).toMatchObject({ method: 'dimagaz.bc.search', code: 'odoo_unavailable' });
    expect(JSON.stringify(error)).not.toContain(SECRET);
    expect(JSON.stringify(error)).not.toContain(setup.odoo.apiKey);
  });

  it('is no error of a record that it cannot read, nor of a protocol that was only tried', async () => {
    // JSON-2 refuses a password, so JSON-RPC is taken.
    const testMirror = setup.also({ ODOO_PASSWORD: SECRET, SYNC_PAGE_SIZE: '16' });
    const [bad = 0] = setup.odoo.ids('dimagaz.bc');
    setup.odoo.faults.when({ model: 'dimagaz.bc', method: 'read', ids: [bad] }, 'user_error');
    setup.odoo.faults.when({ method: 'search_read', ids: [bad] }, 'user_error');
    await testMirror.work();
    expect(await testMirror.run('full')).toMatchObject({ status: 'partial', failed: 1, protocol: 'jsonrpc' });
    expect(await seen(({ protocol }) => protocol !== null)).toMatchObject({
      protocol: 'jsonrpc',
      error: null,
    });
  });

  it('keeps its version while a process that is just signing in does not know it', async () => {
    const { db } = setup.mirror;
    const at = (minute: number) => ({ at: new Date(Date.UTC(2026, 0, 1, 0, minute)), method: 'read' });
    const known = { version: '19.0', protocol: 'json2', latencyMs: 12 };
    const unknown = { version: null, protocol: null, latencyMs: null };
    await recordOdooHealth(db, 'x', { success: at(2), error: null }, known);
    await recordOdooHealth(db, 'x', { success: at(3), error: null }, unknown);
    await recordOdooHealth(db, 'x', { success: at(1), error: null }, { ...known, version: '18.0' });
    expect(await findOdooHealth(db, 'x')).toMatchObject({ ...known, success: at(3) });
  });
});

describe('the name of an Odoo', () => {
  it('holds neither a secret nor a query', () => {
    const url = 'https://proxy:hidden@odoo.example.com/erp/?token=1';
    expect(odooTarget({ url, db: 'prod', user: 'mirror' })).toBe('mirror@https://odoo.example.com/erp/prod');
  });
});
