import { Readable } from 'node:stream';
import type { Environment } from '../../src/cli/io.ts';
import { run } from '../../src/cli/program.ts';

export interface Answer {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunningCommand {
  readonly answer: Promise<Answer>;
  /** Simulates Ctrl-C; false if there is no handler. */
  interrupt(): boolean;
}

/** Runs the command in this process, as a shell without a terminal would. */
export function start(argv: readonly string[], env: Environment, isTTY = false, stdin = ''): RunningCommand {
  const stdout: string[] = [];
  const stderr: string[] = [];
  let listener: (() => void) | undefined;
  const io = {
    stdin: Readable.from([stdin]),
    stdout: { write: (text: string) => stdout.push(text) },
    stderr: { write: (text: string) => stderr.push(text), isTTY },
    ask: null,
    onInterrupt(handle: () => void) {
      listener = handle;
      return () => {
        listener = undefined;
      };
    },
  };
  return {
    answer: run(argv, io, env).then((code) => ({ code, stdout: stdout.join(''), stderr: stderr.join('') })),
    interrupt() {
      listener?.();
      return listener !== undefined;
    },
  };
}

export async function passerelle(argv: readonly string[], env: Environment): Promise<Answer> {
  return start(argv, env).answer;
}

/** The command in an environment; `json` adds `--json` and decodes the answer. */
export function commandIn(env: Environment) {
  return {
    passerelle: (...argv: string[]) => passerelle(argv, env),
    json: async (...argv: string[]) => {
      const answer = await passerelle([...argv, '--json'], env);
      return { ...answer, body: answer.stdout === '' ? undefined : JSON.parse(answer.stdout) };
    },
  };
}
