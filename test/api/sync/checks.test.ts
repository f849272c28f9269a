import { afterAll, beforeAll, expect, it } from 'vitest';
import { type SandboxOdoo, startSandboxOdoo } from '../../../dev/sandbox-odoo/sandbox.ts';
import { bearer, startApi, type TestApi } from '../http/start-api.ts';

let odoo: SandboxOdoo;
let api: TestApi;
beforeAll(async () => {
  odoo = await startSandboxOdoo({ documents: 3 });
  const { url, db, user, apiKey } = odoo;
  api = await startApi({ ODOO_URL: url, ODOO_DB: db, ODOO_USER: user, ODOO_PASSWORD: apiKey });
});
afterAll(async () => {
  await api.close();
  await odoo.stop();
});

it('lists what works and what to do, and asks Odoo once for callers at the same time and soon after', async () => {
  const ask = async () => (await api.app.inject({ url: '/api/v1/checks', headers: bearer(api.key) })).json();
  const [first, second] = await Promise.all([ask(), ask()]);
  expect(first.ok).toBe(false);
  expect(first.checks.filter(({ outcome }: { outcome: string }) => outcome === 'failed')).toEqual([
    {
      area: 'workers',
      name: 'workers',
      outcome: 'failed',
      text: 'No worker is connected: run "npm run worker".',
      fix: null,
    },
  ]);
  expect(first.checks).toContainEqual(
    expect.objectContaining({ area: 'odoo', name: 'sample', outcome: 'ok' }),
  );
  const calls = odoo.calls.length;
  expect(calls).toBeGreaterThan(0);
  expect([second, await ask()]).toEqual([first, first]);
  expect(odoo.calls).toHaveLength(calls);
});
