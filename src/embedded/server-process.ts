import { spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { errorMessage } from '../shared/errors.ts';
import { ServerFailedError } from './errors.ts';
import { answers, poll } from './probes.ts';
import type { Workspace } from './workspace.ts';

const START_LIMIT_MS = 60_000;

/** A user and group to run as. */
export interface Identity {
  readonly uid: number;
  readonly gid: number;
}

export interface ServerCommand {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  /** Undefined: our own. */
  readonly identity?: Identity | undefined;
  readonly stopSignal: 'INT' | 'QUIT' | 'TERM';
  /** Throws while the server does not answer. */
  readonly ask: () => Promise<void>;
}

export interface RunningServer {
  /** Sends the signal and returns when the server has ended. Does nothing if it already has. */
  end(signal: NodeJS.Signals): Promise<void>;
}

/**
 * Starts a server of the workspace and returns when it answers.
 *
 * @throws ServerFailedError with the end of its log if it ends first, or does not answer within a minute.
 */
export async function startServer(workspace: Workspace, server: ServerCommand): Promise<RunningServer> {
  const log = join(workspace.directory, `${server.name}.log`);
  const output = openSync(log, 'a');
  // In its own session: on Ctrl-C the servers outlive us, so that work in progress can end.
  const child = spawn(server.command, server.args, {
    ...server.identity,
    cwd: workspace.directory,
    detached: true,
    stdio: ['ignore', output, output],
  });
  if (child.pid !== undefined) workspace.ownProcess(child.pid, server.stopSignal);
  child.unref();
  closeSync(output);
  let ended: unknown;
  child.on('error', (error) => (ended = error));
  const exit = new Promise<void>((resolve) => {
    child.on('exit', (code, signal) => {
      ended = new Error(`ended with ${code ?? signal}`);
      if (child.pid !== undefined) workspace.disownProcess(child.pid);
      resolve();
    });
  });
  try {
    await poll(
      () => {
        if (ended !== undefined) throw ended;
        return answers(server.ask());
      },
      `an answer of ${server.name}`,
      START_LIMIT_MS,
    );
  } catch (error) {
    throw new ServerFailedError(server.name, `${errorMessage(error)}\n${lastLines(log)}`, error);
  }
  return {
    end: async (signal) => {
      if (child.kill(signal)) await exit;
    },
  };
}

/** Whether there is a process with this number. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // A process of another user.
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

const LOG_LINES_SHOWN = 5;

/** The end of a log, for the message of an error. */
export function lastLines(file: string): string {
  return readFileSync(file, 'utf8').trimEnd().split('\n').slice(-LOG_LINES_SHOWN).join('\n');
}
