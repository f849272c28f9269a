import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { resolve } from 'node:path';
import { until } from './until.ts';

const ROOT = resolve(import.meta.dirname, '../..');

export interface ApiProcess {
  readonly child: ChildProcess;
  /** Its exit code; null when a signal ended it. */
  readonly exit: Promise<number | null>;
  /** What it has logged so far. */
  output(): string;
  /** Its URL, once it listens; what it wrote instead where it ended. */
  listening(): Promise<string>;
}

/** The API in a process of its own, with no other environment, on a free port. The caller ends it. */
export function startApiProcess(env: Readonly<Record<string, string>>): ApiProcess {
  const child = spawn(process.execPath, ['--import', 'tsx', 'src/server.ts'], {
    cwd: ROOT,
    env: { PATH: process.env['PATH'], PORT: '0', ...env },
  });
  let output = '';
  child.stderr.on('data', (chunk: Buffer) => {
    output += chunk.toString();
  });
  const exit = once(child, 'exit').then(([code]) => code as number | null);
  return {
    child,
    exit,
    output: () => output,
    listening: () =>
      until(
        () => /"url":"([^"]+)"/.exec(output)?.[1] ?? (child.exitCode !== null && output),
        'the API to listen',
      ),
  };
}
