import type { OwnProcess } from './own-process.ts';
import { startProcess } from './own-process.ts';

export type WorkerProcess = OwnProcess;

/** A worker in a process of its own, as in production. The caller ends it. */
export function startWorkerProcess(env: Readonly<Record<string, string>>): WorkerProcess {
  return startProcess('workers/main', env);
}
