import type { Logger } from 'pino';
import { pino } from 'pino';

export type { Logger } from 'pino';

/** JSON lines on standard error, so that standard output stays free for answers. */
export function createLogger(level: string, name: string): Logger {
  return pino(
    { level, name, redact: ['*.password', '*.authorization', 'password', 'authorization'] },
    pino.destination({ dest: 2, sync: true }),
  );
}
