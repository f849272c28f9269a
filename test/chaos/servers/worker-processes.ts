import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { apart, fromBuild } from '../../support/own-process.ts';
import { paced } from '../pace.ts';

type Environment = Readonly<Record<string, string>>;

/** A worker whose SIGTERM takes longer is killed. */
const PATIENCE_MS = paced(10_000);

/** The exit code of a worker that is refused: another installation owns its queues. */
const REFUSED = 2;

/** Two worker processes, as in production, that are killed, frozen, and started again. */
export class WorkerProcesses {
  kills = 0;
  freezes = 0;
  /** Ended because another installation owned their queues, while that was to be expected. */
  refusals = 0;
  /** Whether another installation may own the queues now. */
  mayBeRefused = false;
  /** The processes that ended by themselves, and how: there should be no such process. */
  readonly collapsed: string[] = [];
  readonly #environments: readonly Environment[];
  readonly #logs: string;
  readonly #children: (ChildProcess | null)[];
  readonly #settings = new Map<number, Environment>();
  #frozen: ChildProcess | null = null;

  /** @param logs a directory; each worker appends to a file of its own. */
  constructor(environments: readonly Environment[], logs: string) {
    this.#environments = environments;
    this.#logs = logs;
    this.#children = environments.map(() => null);
    living.add(this);
  }

  /** Starts those that do not run. */
  start(env: Environment = {}): void {
    this.#children.forEach((child, worker) => {
      if (child === null) this.#children[worker] = this.#spawn(worker, env);
    });
  }

  startOne(worker: number): void {
    this.#children[worker] ??= this.#spawn(worker, {});
  }

  /** kill -9. Nothing happens to one that is dead. */
  kill(worker: number): void {
    const child = this.#children[worker];
    if (!child) return;
    this.#children[worker] = null;
    child.kill('SIGKILL');
    this.kills += 1;
  }

  /** Whether it runs, and no other one is frozen. */
  mayFreeze(worker: number): boolean {
    const isOtherFrozen = this.#frozen !== null && this.#children.includes(this.#frozen);
    return this.#children[worker] != null && !isOtherFrozen;
  }

  /** Stops a worker at its present instruction, with its sockets open. */
  freeze(worker: number): { readonly thaw: () => void; readonly kill: () => void } {
    const child = this.#children[worker];
    if (!child || !this.mayFreeze(worker)) throw new Error(`worker ${worker} cannot be frozen now`);
    child.kill('SIGSTOP');
    this.#frozen = child;
    this.freezes += 1;
    const end = (signal: 'SIGCONT' | 'SIGKILL') => {
      if (this.#frozen === child) this.#frozen = null;
      if (this.#children[worker] !== child) return;
      if (signal === 'SIGKILL') this.#children[worker] = null;
      child.kill(signal);
    };
    return { thaw: () => end('SIGCONT'), kill: () => end('SIGKILL') };
  }

  /** Restarts workers one after the other with changed settings, which their later starts keep. */
  async reconfigure(settings: Environment, workers = [...this.#children.keys()]): Promise<void> {
    for (const worker of workers) {
      this.#settings.set(worker, settings);
      const child = this.#children[worker];
      this.#children[worker] = null;
      if (child) await ended(child, 'SIGTERM');
      this.startOne(worker);
    }
  }

  /** SIGTERM to all; returns their exit codes. */
  async dismiss(): Promise<(number | null)[]> {
    const children = this.#children.filter((child) => child !== null);
    this.#children.fill(null);
    return Promise.all(
      children.map((child) => {
        const exit = new Promise<number | null>((done) => child.once('exit', done));
        child.kill('SIGTERM');
        return exit;
      }),
    );
  }

  /** For the end of a scenario that failed, and of this process. */
  abandon(): void {
    living.delete(this);
    for (const child of this.#children.splice(0)) child?.kill('SIGKILL');
  }

  #spawn(worker: number, env: Environment): ChildProcess {
    const all = { ...this.#environments[worker], ...this.#settings.get(worker), ...env };
    const child = spawnWorker(all, join(this.#logs, `worker-${worker}.log`));
    child.once('exit', (code, signal) => {
      const slot = this.#children.indexOf(child);
      if (slot === -1) return;
      this.#children[slot] = null;
      if (code === REFUSED && this.mayBeRefused) this.refusals += 1;
      else this.collapsed.push(`worker ${worker} ended by itself with ${code ?? signal}`);
    });
    return child;
  }
}

/** A worker process that appends its output to a file. */
export function spawnWorker(env: Environment, logFile: string): ChildProcess {
  const log = openSync(logFile, 'a');
  const child = spawn(process.execPath, fromBuild('workers/main'), {
    ...apart(env),
    stdio: ['ignore', log, log],
  });
  closeSync(log);
  return child;
}

/** Ends a process, by kill -9 if the signal does not in time: it may be frozen. */
export async function ended(child: ChildProcess, signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = new Promise<void>((done) => child.once('exit', () => done()));
  child.kill(signal);
  const timer = setTimeout(() => child.kill('SIGKILL'), PATIENCE_MS);
  await exit;
  clearTimeout(timer);
}

const living = new Set<WorkerProcesses>();
process.once('exit', () => {
  for (const processes of living) processes.abandon();
});
