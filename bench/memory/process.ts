import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { atMost } from '../../dev/demo/context.ts';
import type { Workspace } from '../../dev/services/workspace.ts';

const ROOT = resolve(import.meta.dirname, '../..');

/** Longer than the grace that a worker gives its jobs. */
const STOP_LIMIT_MS = 30_000;

export type Environment = Readonly<Record<string, string | undefined>>;

/** The report of `probe.mjs`, in bytes. `live`: the heap after the last full collection; 0 before the first one. */
export interface ProbeReport {
  readonly rss: number;
  readonly live: number;
}

/** A worker, started as `npm run worker` does. */
export const WORKER = { module: 'dist/workers/main.js', flags: ['--max-semi-space-size=16'] } as const;

export interface ProcessOptions {
  readonly name: string;
  /** A path in this repository: built code of the product (`dist/…js`), or a helper (`bench/…ts`). */
  readonly module: string;
  readonly args?: readonly string[];
  /** Of Node. */
  readonly flags?: readonly string[];
  readonly env: Environment;
  /** Put a probe into it, and hear its report once a second. */
  readonly heard?: (report: ProbeReport) => void;
}

/** A process of its own. Its log is a file of the workspace; its output can be read from `stdout`. */
export function startProcess(workspace: Workspace, options: ProcessOptions) {
  const { name, module, args = [], flags = [], env, heard } = options;
  const log = join(workspace.directory, `${name}.log`);
  const errors = openSync(log, 'a');
  const child = spawn(process.execPath, [...flags, ...command(module, heard !== undefined), ...args], {
    cwd: workspace.directory,
    env,
    detached: true,
    stdio: ['ignore', 'pipe', errors, 'ipc'],
  });
  closeSync(errors);
  if (child.pid !== undefined) workspace.ownProcess(child.pid, 'TERM');
  if (heard !== undefined) child.on('message', heard);
  let output = '';
  child.stdout?.on('data', (chunk: Buffer) => {
    output += chunk.toString();
  });
  const exit = new Promise<string>((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('close', (code, signal) => resolve(String(signal ?? code)));
  });
  return { child, exit, output: () => output, log: () => readFileSync(log, 'utf8').trimEnd() };
}

export async function stopProcess(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, 'exit');
  child.kill('SIGTERM');
  await atMost(STOP_LIMIT_MS, gone);
  child.kill('SIGKILL');
  await gone;
}

function command(module: string, probed: boolean): string[] {
  const loader = module.endsWith('.ts') ? ['--import', import.meta.resolve('tsx')] : ['--enable-source-maps'];
  const probe = probed ? ['--import', new URL('probe.mjs', import.meta.url).href] : [];
  return [...loader, ...probe, join(ROOT, module)];
}
