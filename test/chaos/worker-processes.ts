import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { apart, fromBuild } from '../support/own-process.ts';

/** Two worker processes, as in production, that are killed and started again. */
export class WorkerProcesses {
  kills = 0;
  /** The processes that ended by themselves, and how: there should be no such process. */
  readonly collapsed: string[] = [];
  readonly #env: Readonly<Record<string, string>>;
  readonly #logs: string;
  readonly #children: (ChildProcess | null)[] = [null, null];

  /** `logs`: a directory; each worker appends to a file of its own. */
  constructor(env: Readonly<Record<string, string>>, logs: string) {
    this.#env = env;
    this.#logs = logs;
    living.add(this);
  }

  /** Starts those that do not run. */
  start(env: Readonly<Record<string, string>> = {}): void {
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

  /** SIGTERM to all; returns their exit codes. */
  async dismiss(): Promise<(number | null)[]> {
    const children = this.#children.splice(0).filter((child) => child !== null);
    this.#children.push(null, null);
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

  #spawn(worker: number, env: Readonly<Record<string, string>>): ChildProcess {
    const log = openSync(join(this.#logs, `worker-${worker}.log`), 'a');
    const child = spawn(process.execPath, fromBuild('workers/main'), {
      ...apart({ ...this.#env, ...env }),
      stdio: ['ignore', log, log],
    });
    closeSync(log);
    child.once('exit', (code, signal) => {
      const slot = this.#children.indexOf(child);
      if (slot === -1) return;
      this.#children[slot] = null;
      this.collapsed.push(`worker ${worker} ended by itself with ${code ?? signal}`);
    });
    return child;
  }
}

const living = new Set<WorkerProcesses>();
process.once('exit', () => {
  for (const processes of living) processes.abandon();
});
