import { once } from 'node:events';
import { MeasurementFailedError } from '../frame/errors.ts';
import { startProcess, stopProcess } from '../memory/process.ts';
import type { BenchStage } from '../memory/stage.ts';

/** The messages of `no-op.ts` to its parent. */
export interface NoOpReply {
  readonly jobs: number;
  readonly perSecond: number;
}

/** Jobs of one measurement: some seconds. */
const MOST = 20_000;

/** BCs per second of a BullMQ worker that does nothing with them. @throws MeasurementFailedError when it ends early. */
export async function noOpRate(
  { workspace, env, ending, defer }: BenchStage,
  documents: number,
): Promise<number> {
  const { child, exit, log } = startProcess(workspace, {
    ...{ name: 'no-op', module: 'bench/scale/no-op.ts', args: [String(Math.min(documents, MOST))] },
    env: { ...env, QUEUE_PREFIX: `${env['QUEUE_PREFIX']}-no-op` },
  });
  defer(() => stopProcess(child));
  const failed = exit.then((how) => {
    throw new MeasurementFailedError(`The no-op worker ended with ${how}: ${log()}`);
  });
  const heard = once(child, 'message').then(([reply]) => reply as NoOpReply);
  const { perSecond } = await ending.before(Promise.race([heard, failed]));
  await stopProcess(child);
  return perSecond;
}
