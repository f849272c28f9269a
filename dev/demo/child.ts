import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Workspace } from '../services/workspace.ts';
import { ProcessEndedError } from './errors.ts';
import type { Environment } from './settings.ts';

/** Longer than the time that a worker gives its jobs. */
const STOP_LIMIT_MS = 30_000;
const LOG_LINES_SHOWN = 5;
const ROOT = resolve(import.meta.dirname, '../..');

interface ChildOptions {
  readonly name: 'API' | 'worker';
  /** A path in this repository. */
  readonly module: string;
  readonly env: Environment;
  /** Called when the process ends by itself. */
  readonly failed: (error: ProcessEndedError) => void;
}

/** Starts a process of the product as in production, with its output in a log file of the workspace. */
export function startChild(workspace: Workspace, { name, module, env, failed }: ChildOptions) {
  const log = join(workspace.directory, `${name.toLowerCase()}.log`);
  const output = openSync(log, 'a');
  // A directory without a .env file, and a new session: on Ctrl-C the demo stops it, in order.
  const child = spawn(process.execPath, ['--import', import.meta.resolve('tsx'), join(ROOT, module)], {
    cwd: workspace.directory,
    env,
    detached: true,
    stdio: ['ignore', output, output],
  });
  closeSync(output);
  if (child.pid !== undefined) workspace.ownProcess(child.pid, 'TERM');
  let stopping = false;
  const fail = (how: string) => {
    if (!stopping) failed(new ProcessEndedError(name, how, lastLines(log)));
  };
  child.on('error', (error) => fail(error.message));
  child.on('exit', (code, signal) => fail(String(signal ?? code)));
  return {
    log,
    stop: async () => {
      stopping = true;
      if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
      const gone = once(child, 'exit');
      child.kill('SIGTERM');
      const kill = setTimeout(() => child.kill('SIGKILL'), STOP_LIMIT_MS);
      await gone;
      clearTimeout(kill);
    },
  };
}

function lastLines(file: string): string {
  return readFileSync(file, 'utf8').trimEnd().split('\n').slice(-LOG_LINES_SHOWN).join('\n');
}
