import { chmod, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { SandboxOdoo } from '../../dev/sandbox-odoo/sandbox.ts';
import { startSandboxOdoo } from '../../dev/sandbox-odoo/sandbox.ts';
import { answers, askPostgres, askRedis } from '../../src/embedded/probes.ts';
import { type OwnProcess, startProcess } from '../support/own-process.ts';
import { hasRedisBinary } from '../support/redis-servers.ts';
import { waitFor } from '../support/wait-for.ts';

const BCS = 40;

describe.skipIf(!hasRedisBinary)('passerelle up', () => {
  let odoo: SandboxOdoo;
  let folder: string;
  let processes: OwnProcess[] = [];
  beforeAll(async () => {
    odoo = await startSandboxOdoo({ documents: BCS });
  });
  afterAll(() => odoo.stop());
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'passerelle-up-'));
    // Started by root, PostgreSQL runs as another user.
    await chmod(folder, 0o755);
  });
  afterEach(async () => {
    for (const { child } of processes) child.kill('SIGINT');
    await Promise.all(processes.map(({ exit }) => exit));
    processes = [];
    await waitFor(async () => !(await runs(folder)), 'the end of the servers');
    await rm(folder, { recursive: true });
  });

  const settings = (more: Record<string, string> = {}) => ({
    ODOO_URL: odoo.url,
    ODOO_DB: odoo.db,
    ODOO_USER: odoo.user,
    ODOO_PASSWORD: odoo.apiKey,
    PORT: '0',
    ...more,
  });
  const command = (args: readonly string[], env: Record<string, string>) => {
    const started = startProcess('src/cli/main', env, args, folder);
    processes.push(started);
    return started;
  };
  /** Waits for the address of the dashboard, and returns it with the login. */
  const upped = async (up: OwnProcess) => {
    await waitFor(() => up.output().includes('Ctrl-C stops') || up.child.exitCode !== null, 'the dashboard');
    const [, url] = /Dashboard +(\S+)\/admin/.exec(up.output()) ?? [];
    const [, password] = /password (\w+)/.exec(up.output()) ?? [];
    expect(url, up.output()).toBeDefined();
    return { url, password };
  };
  const total = async (url: string | undefined, password: string | undefined) => {
    const authorization = `Basic ${Buffer.from(`admin:${password}`).toString('base64')}`;
    const answer = await fetch(`${url}/admin/api/v1/bc?limit=1&count=exact`, { headers: { authorization } });
    return ((await answer.json()) as { total: number }).total;
  };
  const stopped = async (up: OwnProcess) => {
    up.child.kill('SIGINT');
    return [await up.exit, up.output().trimEnd().split('\n').at(-1)];
  };

  it('copies all BCs, prints one address, and keeps the data for the next start', async () => {
    const first = command(['up'], settings());
    const { url, password } = await upped(first);
    // The schedule of the worker may have copied all before the command looks.
    expect(first.output()).toMatch(new RegExp(`${BCS} BC: ${BCS} created|Mirror: ${BCS} BC`));
    expect(await total(url, password)).toBe(BCS);

    const status = command(['status', '--json'], settings());
    expect([await status.exit, JSON.parse(status.output()).workers]).toEqual([0, 1]);

    const second = command(['up'], settings());
    expect([await second.exit, second.output()]).toEqual([
      1,
      expect.stringMatching(/already runs in this folder, as process \d+\. Stop it first\./),
    ]);
    expect(await stopped(first)).toEqual([0, 'Stopped. The data stay in .passerelle.']);
    expect(await runs(folder)).toBe(false);

    const again = command(['up'], settings());
    const next = await upped(again);
    expect(again.output()).toContain(`Mirror: ${BCS} BC`);
    expect(next.password).toBe(password);
    expect(await total(next.url, password)).toBe(BCS);
  });

  describe('with several mirrors', () => {
    const withFile = async (partners: string) => {
      const path = join(folder, 'mirrors.yaml');
      const bc = 'bc: { model: dimagaz.bc, lines: dimagaz.bc.line }';
      await writeFile(path, `mirrors:\n  ${bc}\n  partners: { model: ${partners} }\n`);
      return settings({ MIRRORS_FILE: path, SYNC_BACKOFF: '10ms' });
    };
    const partners = () => odoo.count('res.partner');

    it('waits for all of them, and reports each', async () => {
      const env = await withFile('res.partner');
      const first = command(['up'], env);
      await upped(first);
      const text = first.output();
      expect(text).toMatch(new RegExp(`Mirror bc(: ${BCS} BC|\\n.*\\n +${BCS} BC)`));
      expect(text).toMatch(
        new RegExp(`Mirror partners(: ${partners()} records|\\n.*\\n +${partners()} records)`),
      );
      await stopped(first);
      const again = command(['up'], env);
      await upped(again);
      expect(again.output()).toContain(`Mirror bc: ${BCS} BC; the worker reads the changes`);
      expect(again.output()).toContain(
        `Mirror partners: ${partners()} records; the worker reads the changes`,
      );
    });

    it('names the mirror whose model is wrong, before it copies any', async () => {
      const up = command(['up'], await withFile('no.such'));
      expect([await up.exit, up.output()]).toEqual([1, expect.stringContaining('no.such')]);
    });

    it('reports the other mirrors when one fails, and stops', async () => {
      const end = odoo.faults.when({ model: 'res.partner', method: 'search' }, 'error500');
      const up = command(['up'], await withFile('res.partner'));
      expect(await up.exit).toBe(1);
      end();
      expect(up.output()).toMatch(/Mirror bc[\s\S]*Mirror partners\n/);
      expect(up.output()).toMatch(/The first sync failed, so everything was stopped\. Mirror partners: /);
      expect(up.output()).not.toContain('Mirror bc: Run');
      expect(up.output()).not.toContain('Dashboard');
    });
  });

  it('starts again after it was killed, and its servers end with it', async () => {
    const first = command(['up'], settings());
    const { password } = await upped(first);
    first.child.kill('SIGKILL');
    const again = command(['up'], settings());
    const { url } = await upped(again);
    expect(await total(url, password)).toBe(BCS);
  });

  it('keeps its secrets in files that only their owner can read', async () => {
    const up = command(['up'], settings());
    const { password } = await upped(up);
    const file = join(folder, '.passerelle/env');
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect(await readFile(file, 'utf8')).toContain(`ADMIN_PASSWORD=${password}`);
    for (const log of ['api.log', 'worker.log']) {
      expect((await stat(join(folder, '.passerelle', log))).mode & 0o777).toBe(0o600);
      expect(await readFile(join(folder, '.passerelle', log), 'utf8')).not.toContain(odoo.apiKey);
    }
  });

  it.skipIf(process.getuid?.() !== 0)('says what to do in a folder that only root can reach', async () => {
    await chmod(folder, 0o700);
    const up = command(['up'], settings());
    expect([await up.exit, up.output()]).toEqual([1, expect.stringContaining('ln -s /var/lib/passerelle')]);
  });

  it.each([
    [{ ODOO_PASSWORD: 'wrong' }, 1, 'ODOO_PASSWORD'],
    [{ ODOO_MODEL: 'no.such' }, 1, 'no.such'],
    [{ ODOO_USER: '' }, 2, 'ODOO_USER: not set'],
  ])('names the problem of %j, and leaves nothing running', async (wrong, code, text) => {
    const up = command(['up'], settings(wrong));
    expect([await up.exit, up.output()]).toEqual([code, expect.stringContaining(text)]);
    expect(await runs(folder)).toBe(false);
  });
});

/** Whether a server of the folder answers. */
async function runs(folder: string): Promise<boolean> {
  const text = await readFile(join(folder, '.passerelle/env'), 'utf8').catch(() => '');
  const [, database] = /^DATABASE_URL=(.*)$/m.exec(text) ?? [];
  const [, redis] = /^REDIS_URL=(.*)$/m.exec(text) ?? [];
  const asked = [...(database ? [askPostgres(database)] : []), ...(redis ? [askRedis(redis)] : [])];
  return (await Promise.all(asked.map(answers))).includes(true);
}
