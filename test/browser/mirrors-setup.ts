import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { SandboxOptions } from '../../dev/sandbox-odoo/sandbox.ts';
import { waitFor } from '../support/wait-for.ts';
import type { DashboardSetup } from './dashboard-setup.ts';
import { LOGIN, openDashboardSetup } from './dashboard-setup.ts';

export const PARTNER = 'res.partner';

/** The API expects the runs of a schedule; the worker starts none by itself. */
const file = (partners: string, products: string) => `
mirrors:
  bc: { model: dimagaz.bc, lines: dimagaz.bc.line }
  partners: { model: res.partner, every: ${partners} }
  products: { model: dimagaz.product, every: ${products} }
`;

/** Three mirrors: orders, partners without lines, and products that were never copied. */
export interface MirrorsSetup extends DashboardSetup {
  /** Runs a mirror by a request of the dashboard, to the end of the run. */
  runOf(mirror: string, mode: 'incremental' | 'full' | 'sweep'): Promise<{ id: number; status: string }>;
}

export async function openMirrorsSetup(sandbox: SandboxOptions = {}): Promise<MirrorsSetup> {
  const folder = await mkdtemp(join(tmpdir(), 'passerelle-mirrors-'));
  const [scheduled, idle] = [join(folder, 'scheduled.yaml'), join(folder, 'idle.yaml')];
  await writeFile(scheduled, file('15m', '1h'));
  await writeFile(idle, file('off', 'off'));
  const env = { MIRRORS_FILE: scheduled, SYNC_EVERY: '10m' };
  const dashboard = await openDashboardSetup(sandbox, env, { MIRRORS_FILE: idle });
  const ask = async (path: string, init: RequestInit = {}) => {
    const authorization = `Basic ${btoa(`${LOGIN.username}:${LOGIN.password}`)}`;
    const headers = { authorization, 'x-passerelle-admin': '1', 'content-type': 'application/json' };
    const answer = await fetch(`${dashboard.url}/admin/api/v1/${path}`, { ...init, headers });
    if (!answer.ok) throw new Error(await answer.text());
    return answer.json();
  };
  return {
    ...dashboard,
    runOf: async (mirror, mode) => {
      const { runId } = await ask('sync/runs', { method: 'POST', body: JSON.stringify({ mirror, mode }) });
      return waitFor(async () => {
        const run = await ask(`sync/runs/${runId}`);
        return run.finishedAt !== null && run;
      }, `the end of run ${runId}`);
    },
    close: async () => {
      await dashboard.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
