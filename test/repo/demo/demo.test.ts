import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { Redis } from 'ioredis';
import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest';
import { freshDatabase } from '../../support/database.ts';
import { apart, fromSources } from '../../support/own-process.ts';
import { redisUrl } from '../../support/redis.ts';
import { waitFor } from '../../support/wait-for.ts';

const ROOT = resolve(import.meta.dirname, '../../..');

describe('npm run demo', () => {
  let database: Awaited<ReturnType<typeof freshDatabase>>;
  let directory: string;
  const running = new Set<ReturnType<typeof start>>();

  beforeEach(async () => {
    database = await freshDatabase();
    directory = await mkdtemp(join(tmpdir(), 'passerelle-demo-test-'));
  });
  afterEach(async () => {
    for (const demo of running) demo.stop('SIGTERM');
    for (const demo of running) await demo.exit;
    running.clear();
    await database.close();
    await rm(directory, { recursive: true, force: true });
  });

  /** Where curl is not installed, a stand-in is found last. */
  const PATH = `${process.env['PATH']}:${ROOT}/test/repo/demo/bin`;
  /** Runs a command, by default with the servers of this test run. */
  function start(command: string, args: readonly string[], env: Record<string, string> = {}, cwd?: string) {
    const servers = { DATABASE_URL: database.url, REDIS_URL: redisUrl() };
    const child = spawn(command, args, {
      ...apart({ TMPDIR: directory, ...servers, ...env }),
      ...(cwd !== undefined && { cwd }),
    });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (chunk: Buffer) => {
        output += chunk.toString();
      });
    }
    const exit = once(child, 'close').then(([code]) => code as number | null);
    return { exit, output: () => output, stop: (signal: NodeJS.Signals) => child.kill(signal) };
  }
  const demo = (args: readonly string[], env: Record<string, string> = {}) => {
    const started = start(process.execPath, [...fromSources('dev/demo/main.ts'), ...args], env);
    running.add(started);
    return started;
  };
  /** tsx keeps a directory of its own. */
  const leftovers = async () => (await readdir(directory)).filter((name) => !name.startsWith('tsx'));

  it('with --once mirrors the sandbox, sees the API count it, and leaves nothing', async () => {
    const { exit, output } = demo(['--once', '--documents', '200'], { PORT: '0' });
    expect({ code: await exit, output: output() }).toMatchObject({ code: 0 });
    expect(output()).toMatch(
      /First full sync: run \d+ \(full\) success, 200 BC and [\d,]+ lines in .*200 created/,
    );
    expect(output()).toContain('The API lists 200 BC.');
    expect(await database.client`select count(*)::int as n from scrap_dimagaz_bc`).toEqual([{ n: 200 }]);
    expect(await leftovers()).toEqual([]);
    expect(await demoKeys()).toEqual([]);
    expect(await database.client`select name from api_key`).toEqual([]);
    const [url] = /http:\/\/127\.0\.0\.1:\d+(?= and worker)/.exec(output()) ?? [];
    await expect(fetch(`${url}/healthz`)).rejects.toThrow('fetch failed');
  });

  it('shows what works: commands to try, the command line, runs as the setup goes on; Ctrl-C ends it', async () => {
    const started = demo(['--documents', '30'], { PORT: '0', SYNC_EVERY: '1s' });
    await waitFor(() => started.output().includes('Ctrl-C stops'), 'the text');
    const commands = [...started.output().matchAll(/^ {2}(curl .*)$/gm)].map(([, command]) => command ?? '');
    expect(commands.length).toBeGreaterThan(2);
    const downloads = await mkdtemp(join(directory, 'tsx-downloads-'));
    for (const command of commands) {
      const { exit, output } = start('sh', ['-c', `${command} -f`], { PATH }, downloads);
      expect({ command, code: await exit, output: output() }).toMatchObject({ code: 0 });
    }
    expect(await readdir(downloads)).toEqual(['bc.csv']);
    expect(commands.every((command) => /-H 'Authorization: Bearer psl_\w+/.test(command))).toBe(true);
    const [, source] = /^ {2}(\. \S+) && npx passerelle status$/m.exec(started.output()) ?? [];
    const status = [process.execPath, ...fromSources('src/cli/main.ts'), 'status', '--json'];
    const cli = start('sh', ['-c', `${source} && "$@"`, 'sh', ...status], {
      DATABASE_URL: '',
      REDIS_URL: '',
    });
    expect({ code: await cli.exit, output: cli.output() }).toMatchObject({ code: 0 });
    const [, url] = /(http:\/\/\S+)\/api\/v1\/sync'/.exec(started.output()) ?? [];
    const byKey = start(
      'sh',
      ['-c', `${source} && curl -s -f -H "Authorization: Bearer $PASSERELLE_KEY" ${url}/api/v1/sync`],
      { PATH },
    );
    expect({ code: await byKey.exit, output: byKey.output() }).toMatchObject({ code: 0 });
    await waitFor(
      () => /run \d+ \(incremental\) (success|partial), .* updated/.test(started.output()),
      'a run with news',
    );
    started.stop('SIGINT');
    // As npm does, which passes on what the terminal has already sent.
    await waitFor(() => started.output().includes('Stopping.'), 'the first to be noticed');
    started.stop('SIGINT');
    expect({ code: await started.exit, output: started.output() }).toMatchObject({ code: 0 });
    expect(await leftovers()).toEqual([]);
  });

  it('says in one line that the port asked for is taken', async () => {
    const holder = createServer().listen(0, '127.0.0.1');
    await once(holder, 'listening');
    const { port } = holder.address() as AddressInfo;
    const { exit, output } = demo(['--once'], { PORT: String(port) });
    expect(await exit).toBe(1);
    expect(output()).toMatch(new RegExp(`^Port ${port} on 127\\.0\\.0\\.1 is taken;.*\n$`));
    holder.close();
  });

  it('leaves alone a given database that holds the mirror of a real Odoo', async () => {
    await database.client`
      insert into scrap_dimagaz_bc (odoo_id, fields, content_hash, fetched_at, synced_at, fetch_seq)
      values (1, '{}', '', now(), now(), 1)`;
    const { exit, output } = demo(['--once', '--documents', '10'], { PORT: '0' });
    expect(await exit).toBe(1);
    expect(output()).toContain('DATABASE_URL holds a mirror');
    expect(await database.client`select count(*)::int as n from scrap_dimagaz_bc`).toEqual([{ n: 1 }]);
    expect(await leftovers()).toEqual([]);
  });

  it('names the faults of its settings before it starts anything', async () => {
    const { exit, output } = demo(['--once'], { SYNC_EVERY: 'soon', ODOO_URL: 'http://odoo.example' });
    expect(await exit).toBe(1);
    expect(output()).toContain('SYNC_EVERY');
    expect(output()).toContain('ODOO_PASSWORD');
    expect(output()).not.toContain('PostgreSQL');
  });
});

/** Keys of demos in the Redis of this test run. */
async function demoKeys(): Promise<string[]> {
  const redis = new Redis(inject('redisUrl'));
  try {
    return await redis.keys('passerelle-demo-*');
  } finally {
    redis.disconnect();
  }
}
