import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, openSync } from 'node:fs';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it, test } from 'vitest';
import type { SandboxTryton } from '../../dev/sandbox-tryton/sandbox.ts';
import { startSandboxTryton } from '../../dev/sandbox-tryton/sandbox.ts';
import { readState } from '../../src/db/runs/lease.ts';
import { listRuns } from '../../src/db/runs/runs.ts';
import { BC_KEY } from '../../src/db/schema/sync.ts';
import { apart, fromBuild } from '../support/own-process.ts';
import type { TestSetup } from '../support/test-setup.ts';
import { openTestSetup } from '../support/test-setup.ts';
import { waitFor } from '../support/wait-for.ts';

const children: ChildProcess[] = [];
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
});

/** The command in a process of its own, with pipes where `stdout` names no file descriptor. */
function passerelle(argv: readonly string[], env: Record<string, string>, stdout: 'pipe' | number = 'pipe') {
  const child = spawn(process.execPath, [...fromBuild('src/cli/main'), ...argv], {
    ...apart(env),
    stdio: ['ignore', stdout, 'pipe'],
  });
  children.push(child);
  // Each is there where it was asked for as a pipe.
  const said = (stream: Readable | null) => (stream === null ? Promise.resolve('') : text(stream));
  const ended = once(child, 'close').then(([code]) => ({ code }));
  return { child, ended, stdout: () => said(child.stdout), stderr: said(child.stderr) };
}

describe('an answer of a megabyte', () => {
  const NAME = 'é'.repeat(500_000);
  let sandbox: SandboxTryton;
  let env: Record<string, string>;
  let argv: string[];
  beforeAll(async () => {
    sandbox = await startSandboxTryton();
    const { url: TRYTON_RPC_URL, user: TRYTON_USER, password: TRYTON_PASSWORD } = sandbox;
    env = { TRYTON_RPC_URL, TRYTON_USER, TRYTON_PASSWORD };
    const id = sandbox.create('party.party', { name: NAME });
    argv = ['tryton', 'call', 'model.party.party.read', `[[${id}], ["name"]]`];
  });
  afterAll(() => sandbox.stop());

  it('arrives whole through a pipe', async () => {
    const { ended, stdout, stderr } = passerelle(argv, env);
    const answer = await stdout();
    expect([await ended, await stderr]).toEqual([{ code: 0 }, '']);
    expect(JSON.parse(answer)).toMatchObject([{ name: NAME }]);
  });

  it('is no trouble for a reader who leaves early, as head does', async () => {
    const { child, ended, stderr } = passerelle(argv, env);
    await once(child.stdout ?? child, 'readable');
    child.stdout?.destroy();
    expect([await ended, await stderr]).toEqual([{ code: 0 }, '']);
  });

  it.runIf(existsSync('/dev/full'))('that no disk has room for is a failure, and said to be', async () => {
    const full = openSync('/dev/full', 'w');
    const { ended, stderr } = passerelle(argv, env, full);
    closeSync(full);
    expect(await ended).toEqual({ code: 1 });
    expect(await stderr).toMatch(/^The answer could not be written: ENOSPC[^\n]*\n$/);
  });
});

describe('Ctrl-C', () => {
  let setup: TestSetup;
  beforeAll(async () => {
    setup = await openTestSetup({ sandbox: { documents: 5 } });
  });
  afterEach(() => setup.odoo.faults.clear());
  afterAll(() => setup.close());

  /** A sync by its own workers, in the middle of a page that Odoo gives no answer for. */
  async function hanging(env: Record<string, string>) {
    const before = setup.odoo.faults.taken.get('hang') ?? 0;
    setup.odoo.faults.when({ method: 'read', model: 'dimagaz.bc' }, 'hang');
    const command = passerelle(['sync', '--full'], { ...setup.env, ...env });
    await waitFor(() => (setup.odoo.faults.taken.get('hang') ?? 0) > before, 'a page that hangs');
    return command;
  }

  test('that npm passes on counts once: work in progress is finished, the rest is left to others', async () => {
    const { child, ended, stderr } = await hanging({ ODOO_TIMEOUT_MS: '5000', LOG_LEVEL: 'silent' });
    child.kill('SIGINT');
    // Two at once would be one: signals are not queued.
    await pause(5);
    child.kill('SIGINT');
    expect(await ended).toEqual({ code: 130 });
    expect(await stderr).toMatch(/^Run \d+ is not over/);
    const [run] = await listRuns(setup.mirror.db, { limit: 1 });
    expect(run?.status).toBe('running');
    expect(await readState(setup.mirror.db, BC_KEY)).toMatchObject({ held: false });
  });

  test('once more ends it at once, whatever is in hand', async () => {
    const { child, ended } = await hanging({ ODOO_TIMEOUT_MS: '600000' });
    const isOver = () => child.exitCode !== null || child.signalCode !== null;
    await waitFor(() => isOver() || !child.kill('SIGINT'), 'the end');
    expect(await ended).toEqual({ code: 130 });
  });
});
