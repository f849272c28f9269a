import type { ChildProcess } from 'node:child_process';
import type { Stage } from '../../dev/demo/context.ts';
import type { Workspace } from '../../dev/services/workspace.ts';
import { BenchFailedError } from '../memory/errors.ts';
import type { ProcessOptions } from '../memory/process.ts';
import { startProcess, stopProcess } from '../memory/process.ts';

/** The caller's environment for a process, without anything that could reach the caller's own servers. */
const PASSED_ON = /^(PATH|HOME|TMPDIR|LANG|NODE_\w+)$/;

/** A process that must not end before it is stopped, which is deferred. */
export function startServer(
  { ending, defer }: Stage,
  workspace: Workspace,
  options: ProcessOptions,
): ChildProcess {
  const passedOn = Object.entries(process.env).filter(([name]) => PASSED_ON.test(name));
  const env = { ...Object.fromEntries(passedOn), ...options.env };
  const { child, exit, log } = startProcess(workspace, { ...options, env });
  let stopping = false;
  defer(() => {
    stopping = true;
    return stopProcess(child);
  });
  exit.then((how) => {
    if (!stopping) ending.fail(new BenchFailedError(`${options.name} ended with ${how}: ${log()}`));
  });
  return child;
}

/** One that says one thing, once it is ready. */
export function startHelper<Ready>(
  stage: Stage,
  workspace: Workspace,
  options: ProcessOptions,
): Promise<Ready> {
  const child = startServer(stage, workspace, options);
  return stage.ending.before(new Promise<Ready>((resolve) => child.once('message', resolve)));
}
