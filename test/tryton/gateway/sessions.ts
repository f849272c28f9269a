import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { apart, fromSources } from '../../support/own-process.ts';
import { freshPrefix, redisUrl } from '../../support/redis.ts';
import { waitFor } from '../../support/wait-for.ts';
import type { OpenStage, TrytonStage } from './gateway-setup.ts';
import { settingsFor } from './gateway-setup.ts';

interface Report {
  readonly ready?: boolean;
  readonly half?: boolean;
  readonly answered?: number;
  readonly failures?: readonly string[];
}

/** Two real processes that share one session, and lose it. Each makes so many `calls` at once. */
export function sessionsFlow(name: string, open: OpenStage, calls = 32): void {
  describe(name, () => {
    let setup: TrytonStage;
    const stops: (() => Promise<unknown>)[] = [];
    beforeAll(async () => {
      setup = await open();
    });
    afterEach(async () => {
      for (const stop of stops.splice(0)) await stop();
    });
    afterAll(() => setup?.close());

    /** Two processes that have the same session and are ready to call. */
    const twoProcesses = async () => {
      const caller = { config: settingsFor(setup), redisUrl: redisUrl(), prefix: freshPrefix() };
      const both = [spawnCaller(caller, stops), spawnCaller(caller, stops)];
      for (const one of both) await one.next(({ ready }) => ready === true, 'the process to be ready');
      await setup.forgetSessions();
      for (const one of both)
        expect(await one.work({ calls: 1, rounds: 1 })).toEqual({ answered: 1, failures: [] });
      expect(await setup.sessions()).toBe(1);
      return both;
    };

    it('when it is deleted, calls at once of two processes sign in once, and each is answered', async () => {
      const both = await twoProcesses();
      for (let round = 0; round < 3; round += 1) {
        await setup.forgetSessions();
        const reports = await Promise.all(both.map((one) => one.work({ calls, rounds: 1 })));
        for (const report of reports) expect(report).toEqual({ answered: calls, failures: [] });
        expect(await setup.sessions()).toBe(1);
      }
    });

    /** Both in the middle of their work; their reports at its end. */
    const underWay = async () => {
      const both = await twoProcesses();
      const work = Promise.all(both.map((one) => one.work({ calls, rounds: 10 })));
      await both[0]?.next(({ half }) => half === true, 'half of the calls to be answered');
      return { work };
    };

    it('when it is deleted in the middle of their work, they sign in once, and each call is answered', async () => {
      const { work } = await underWay();
      await setup.forgetSessions();
      for (const report of await work) expect(report).toEqual({ answered: calls * 10, failures: [] });
      expect(await setup.sessions()).toBe(1);
    });

    it('when it is deleted twice in a row in the middle of their work, each call is answered', async () => {
      const { work } = await underWay();
      await setup.forgetSessions();
      await waitFor(async () => (await setup.sessions()) === 1, 'a new session');
      await setup.forgetSessions();
      for (const report of await work) expect(report).toEqual({ answered: calls * 10, failures: [] });
    });
  });
}

function spawnCaller(caller: object, stops: (() => Promise<unknown>)[]) {
  const child = spawn(process.execPath, fromSources('test/tryton/gateway/caller.ts'), {
    ...apart({ CALLER: JSON.stringify(caller) }),
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const exit = new Promise((done) => child.once('exit', done));
  const reports: Report[] = [];
  createInterface(child.stdout).on('line', (line) => reports.push(JSON.parse(line)));
  stops.push(() => {
    child.kill('SIGKILL');
    return exit;
  });
  const next = (fits: (report: Report) => boolean, what: string): Promise<Report> =>
    waitFor(() => {
      const at = reports.findIndex(fits);
      return at < 0 ? undefined : reports.splice(at, 1)[0];
    }, what);
  return {
    next,
    work: (task: { calls: number; rounds: number }) => {
      child.stdin.write(`${JSON.stringify(task)}\n`);
      return next(({ answered }) => answered !== undefined, 'the calls to end');
    },
  };
}
