import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { join, resolve } from 'node:path';
import { inject } from 'vitest';

const ROOT = resolve(import.meta.dirname, '../..');

/** The environment for other processes, without anything that could reach a developer's own servers. */
const PASSED_ON = /^(PATH|HOME|TMPDIR|LANG|NODE_\w+)$/;

/** The arguments with which Node runs TypeScript, wherever it is started. */
export const TSX = ['--import', import.meta.resolve('tsx')] as const;

/** The arguments by which Node runs a module of the product: built code, which `build.ts` brings up to date. */
export function fromBuild(module: string): string[] {
  return ['--enable-source-maps', join(ROOT, 'dist', `${module}.js`)];
}

/** The arguments by which Node runs a module of this repository from its sources. */
export function fromSources(module: string): string[] {
  return [...TSX, join(ROOT, module)];
}

/** Where a process of ours is started, and with what environment: no setting but those of `env` reaches it. */
export function apart(env: Readonly<Record<string, string>>) {
  const passedOn = Object.entries(process.env).filter(([name]) => PASSED_ON.test(name));
  return { cwd: inject('emptyDirectory'), env: { ...Object.fromEntries(passedOn), ...env } };
}

export interface OwnProcess {
  readonly child: ChildProcess;
  /** Its exit code; null when a signal ended it. */
  readonly exit: Promise<number | null>;
  /** Its output so far. */
  output(): string;
}

/** A module of the product in a process of its own, in `folder` if it is given. The caller ends it. */
export function startProcess(
  module: string,
  env: Readonly<Record<string, string>>,
  args: readonly string[] = [],
  folder?: string,
): OwnProcess {
  const { cwd, env: given } = apart(env);
  const child = spawn(process.execPath, [...fromBuild(module), ...args], { cwd: folder ?? cwd, env: given });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      output += chunk.toString();
    });
  }
  const exit = new Promise<number | null>((done) => child.once('exit', done));
  return { child, exit, output: () => output };
}
