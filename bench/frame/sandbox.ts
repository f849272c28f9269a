import type { Stage } from '../../dev/demo/context.ts';
import type { Workspace } from '../../dev/services/workspace.ts';
import { startProcess, stopProcess } from '../memory/process.ts';
import type { SandboxReply } from '../memory/sandbox.ts';
import { MeasurementFailedError } from './errors.ts';
import { passedOn } from './mirror.ts';

/** A sandbox Odoo in a process of its own: its work must not share a thread with the measured code. */
interface BenchSandbox {
  /** The user, by the names of our variables. The secret works by every protocol. */
  readonly login: Readonly<Record<string, string>>;
  readonly documents: number;
  readonly lines: number;
}

/** @throws MeasurementFailedError when it ends. */
export async function startBenchSandbox(
  { ending, defer }: Stage,
  workspace: Workspace,
  { documents, lines }: { readonly documents: number; readonly lines: number },
): Promise<BenchSandbox> {
  const { child, exit, log } = startProcess(workspace, {
    name: 'sandbox',
    module: 'bench/memory/sandbox.ts',
    args: [documents, lines, 0].map(String),
    env: passedOn(),
  });
  let stopping = false;
  defer(() => {
    stopping = true;
    return stopProcess(child);
  });
  const ready = new Promise<BenchSandbox>((resolve, reject) => {
    child.on('message', (message: SandboxReply) => {
      if (message.kind === 'ready') resolve({ login: message.login, ...message.size });
    });
    exit.then((how) => {
      // Its log goes with the workspace.
      if (!stopping) reject(new MeasurementFailedError(`The sandbox ended with ${how}: ${log()}`));
    });
  });
  return ending.before(ready);
}
