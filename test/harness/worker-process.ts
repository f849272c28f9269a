import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { resolve } from 'node:path';

const ROOT = resolve(import.meta.dirname, '../..');

export interface WorkerProcess {
  readonly child: ChildProcess;
  /** Its exit code; null when a signal ended it. */
  readonly exit: Promise<number | null>;
  /** What it has logged so far. */
  output(): string;
}

/** A worker in a process of its own, as in production. The caller ends it. */
export function startWorkerProcess(env: Readonly<Record<string, string>>): WorkerProcess {
  const child = spawn(process.execPath, ['--import', 'tsx', 'workers/main.ts'], {
    cwd: ROOT,
    env: { ...process.env, ...env },
  });
  let output = '';
  child.stderr.on('data', (chunk: Buffer) => {
    output += chunk.toString();
  });
  const exit = new Promise<number | null>((done) => child.once('exit', done));
  return { child, exit, output: () => output };
}
