import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { extname, join, resolve } from 'node:path';
import { ProcessEndedError } from './errors.ts';
import { lastLines } from './server-process.ts';
import type { Workspace } from './workspace.ts';

/** Longer than the time that a worker gives its jobs. */
const STOP_LIMIT_MS = 30_000;

/** The folder of `src` and `workers`: the repository, or its `dist`. */
const ROOT = resolve(import.meta.dirname, '../..');
/** `.ts` if this process runs the sources. */
const EXTENSION = extname(import.meta.filename);
const LOADER = EXTENSION === '.ts' ? ['--import', import.meta.resolve('tsx')] : ['--enable-source-maps'];

const PARTS = { API: 'src/server', worker: 'workers/main' } as const;

interface ProductProcess {
  readonly name: keyof typeof PARTS;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Called when the process ends by itself. */
  readonly failed: (error: ProcessEndedError) => void;
}

/**
 * Starts the API or a worker as in production, with its output in a log file of the workspace. It reads no `.env`
 * file, because it runs in that directory.
 */
export function startProduct(workspace: Workspace, { name, env, failed }: ProductProcess) {
  const log = join(workspace.directory, `${name.toLowerCase()}.log`);
  const output = openSync(log, 'a', 0o600);
  // In a session of its own: on Ctrl-C the caller stops it, in order.
  const child = spawn(process.execPath, [...LOADER, join(ROOT, PARTS[name] + EXTENSION)], {
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
