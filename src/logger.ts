import type { Logger } from 'pino';
import { pino } from 'pino';

export type { Logger } from 'pino';

/** Of lines that are written together, in characters, and how long the first of them waits. */
const BATCH = 4096;
const BATCH_MS = 100;

/**
 * JSON lines on standard error, so that standard output stays free for answers. In batches where there is a line for
 * each request: what a process that is killed said in its last tenth of a second is lost then.
 */
export function createLogger(
  level: string,
  name: string,
  lines: 'at once' | 'in batches' = 'at once',
): Logger {
  const batched = lines === 'in batches';
  const destination = pino.destination({ dest: 2, sync: true, minLength: batched ? BATCH : 0 });
  if (batched) {
    setInterval(() => destination.flush(), BATCH_MS).unref();
    process.once('exit', () => destination.flushSync());
  }
  return pino(
    { level, name, redact: ['*.password', '*.authorization', 'password', 'authorization'] },
    destination,
  );
}
