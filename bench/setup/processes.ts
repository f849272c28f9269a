import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { atMost } from '../../dev/demo/context.ts';
import type { Workspace } from '../../src/embedded/workspace.ts';
import type { Context } from '../context.ts';
import { MeasurementFailedError } from '../errors.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

/** A report of `memory-probe.mjs`, in bytes. `live`: the heap after the last full collection; 0 before the first. */
export interface ProbeReport {
  readonly rss: number;
  readonly live: number;
}

interface ProcessOptions {
  /** Also the name of its log file. */
  readonly name: string;
  /** A path in this repository: built code of the product (`dist/…js`) or a program of the benchmarks (`bench/…ts`). */
  readonly module: string;
  readonly args?: readonly string[];
  /** Options of Node. */
  readonly flags?: readonly string[];
  readonly env?: Environment;
  /** Loads the memory probe into the process and receives its report once a second. */
  readonly onReport?: (report: ProbeReport) => void;
}

/** A worker, started as `npm run worker` does. */
export const WORKER = { module: 'dist/workers/main.js', flags: ['--max-semi-space-size=16'] } as const;

const ROOT = resolve(import.meta.dirname, '../..');
const PROBE = new URL('../programs/memory-probe.mjs', import.meta.url).href;
/** Longer than the time that a worker gives its jobs to finish. */
const STOP_LIMIT_MS = 30_000;
/** The variables that processes inherit. None of them can lead to the caller's own servers. */
const INHERITED =
  /^(PATH|HOME|TMPDIR|LANG|NODE_\w+|SYNC_\w+|RETAIN_\w+|ODOO_(PROTOCOL|CONCURRENCY|CALLS_PER_SECOND))$/;

/** Starts a process that has to run until the clean-up stops it. If it ends earlier, the benchmark fails. */
export function startServer(
  { ending, defer }: Context,
  workspace: Workspace,
  options: ProcessOptions,
): { readonly child: ChildProcess; readonly log: () => string } {
  const { child, exit, log } = startProcess(workspace, options);
  let stopping = false;
  defer(() => {
    stopping = true;
    return stopProcess(child);
  });
  exit.then((how) => {
    if (!stopping) ending.fail(new MeasurementFailedError(`${options.name} ended with ${how}: ${log()}`));
  });
  return { child, log };
}

/** Starts a server that sends its parent one message when it is ready. @returns the process and the message. */
export async function startHelper<Ready>(
  context: Context,
  workspace: Workspace,
  options: ProcessOptions,
): Promise<{ readonly child: ChildProcess; readonly ready: Ready }> {
  const { child } = startServer(context, workspace, options);
  const message = new Promise<Ready>((resolve) => child.once('message', resolve));
  return { child, ready: await context.ending.before(message) };
}

/** Runs a program to its end. @returns its standard output. @throws MeasurementFailedError unless it exits with 0. */
export async function runProgram(
  { ending, defer }: Context,
  workspace: Workspace,
  options: ProcessOptions,
): Promise<string> {
  const { child, exit, log } = startProcess(workspace, options);
  defer(() => stopProcess(child));
  let output = '';
  child.stdout?.on('data', (chunk: Buffer) => {
    output += chunk.toString();
  });
  const how = await ending.before(exit);
  if (how === '0') return output;
  throw new MeasurementFailedError(`${options.name} ended with ${how}: ${output}${log()}`);
}

function startProcess(workspace: Workspace, options: ProcessOptions) {
  const { name, module, args = [], flags = [], env = {}, onReport } = options;
  const log = join(workspace.directory, `${name}.log`);
  const errors = openSync(log, 'a');
  const loader = module.endsWith('.ts') ? ['--import', import.meta.resolve('tsx')] : ['--enable-source-maps'];
  const probe = onReport === undefined ? [] : ['--import', PROBE];
  const inherited = Object.entries(process.env).filter(([variable]) => INHERITED.test(variable));
  // The directory has no .env file. A session of its own: after Ctrl-C this process stops the others, in order.
  const child = spawn(process.execPath, [...flags, ...loader, ...probe, join(ROOT, module), ...args], {
    cwd: workspace.directory,
    env: { ...Object.fromEntries(inherited), ...env },
    detached: true,
    stdio: ['ignore', 'pipe', errors, 'ipc'],
  });
  closeSync(errors);
  const { pid } = child;
  if (pid !== undefined) {
    workspace.ownProcess(pid, 'TERM');
    child.once('exit', () => workspace.disownProcess(pid));
  }
  if (onReport !== undefined) child.on('message', onReport);
  // Without a reader, a process that prints much would block.
  child.stdout?.resume();
  const exit = new Promise<string>((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('close', (code, signal) => resolve(String(signal ?? code)));
  });
  return { child, exit, log: () => readFileSync(log, 'utf8').trimEnd() };
}

async function stopProcess(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, 'exit');
  child.kill('SIGTERM');
  await atMost(STOP_LIMIT_MS, gone);
  child.kill('SIGKILL');
  await gone;
}
