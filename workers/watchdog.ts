import { sql } from 'drizzle-orm';
import { errorMessage } from '../src/errors.ts';
import { applySchedule } from '../src/queues/schedulers.ts';
import type { Mirror } from '../src/sync/mirror.ts';
import { keepLease, watchRuns } from '../src/sync/resume.ts';

const EVERY_MS = 5000;

/** Any fixed number: one worker at a time looks. */
const WATCHDOG_LOCK = 7_264_532;

/**
 * Looks after open runs and the schedulers while the worker runs; a failed look is logged and the next one tries
 * again. A timer, not a job: it must survive an emptied Redis.
 */
export function startWatchdog(mirror: Mirror, scheduled: boolean): { stop(): Promise<void> } {
  let look: Promise<void> = Promise.resolve();
  let busy = false;
  const warn = (error: unknown) => mirror.log.warn({ reason: errorMessage(error) }, 'watchdog');
  const timer = setInterval(() => {
    // Apart from the look, which may wait for Redis: leases live in PostgreSQL.
    keepLease(mirror).catch(warn);
    if (busy) return;
    busy = true;
    look = lookOnce(mirror, scheduled)
      .catch(warn)
      .finally(() => {
        busy = false;
      });
  }, EVERY_MS);
  return {
    stop: () => {
      clearInterval(timer);
      return look;
    },
  };
}

async function lookOnce(mirror: Mirror, scheduled: boolean): Promise<void> {
  await mirror.db.transaction(async (tx) => {
    const [lock] = await tx.execute<{ mine: boolean }>(
      sql`select pg_try_advisory_xact_lock(${WATCHDOG_LOCK}) as mine`,
    );
    if (lock?.mine !== true) return;
    await watchRuns(mirror);
    if (scheduled) await applySchedule(mirror.queues, mirror.settings);
  });
}
