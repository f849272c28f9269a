import { endFrozenSessions } from '../src/db/locks.ts';
import { applySchedule } from '../src/queues/schedulers.ts';
import { errorMessage } from '../src/shared/errors.ts';
import type { SyncContext } from '../src/sync/context.ts';
import { keepLease, watchRuns } from '../src/sync/runs/recovery.ts';

/** A short lease is looked after more often. */
const MAX_PAUSE_MS = 5000;

/** A worker that is frozen for so long no longer keeps other workers from looking. */
const TURN_MS = 15_000;

/**
 * Looks after open runs and the schedulers while the worker runs; a failed look is logged and the next one tries
 * again. A timer, not a job: it must survive an emptied Redis.
 */
export function startWatchdog(mirror: SyncContext, scheduled: boolean): { stop(): Promise<void> } {
  const { settings, log } = mirror;
  const warn = (error: unknown) => log.warn({ reason: errorMessage(error) }, 'watchdog');
  // Apart from the look, which may wait for Redis: leases live in PostgreSQL.
  const lease = oneAtATime(() => keepLease(mirror).catch(warn));
  // Apart too: the others may wait for the locks of a frozen worker.
  const thaw = oneAtATime(() => endFrozen(mirror).catch(warn));
  const look = oneAtATime(() => lookOnce(mirror, scheduled).catch(warn));
  const timer = setInterval(
    () => {
      lease.start();
      thaw.start();
      look.start();
    },
    Math.min(MAX_PAUSE_MS, settings.leaseMs / 3),
  );
  return {
    stop: async () => {
      clearInterval(timer);
      await Promise.all([lease.settled(), thaw.settled(), look.settled()]);
    },
  };
}

/** Starts nothing while the last one is still at work, so that nothing piles up behind a server that is away. */
function oneAtATime(work: () => Promise<void>) {
  let running: Promise<void> | null = null;
  return {
    start: () => {
      running ??= work().finally(() => {
        running = null;
      });
    },
    settled: async () => running,
  };
}

async function endFrozen({ db, settings, log }: SyncContext): Promise<void> {
  if (settings.frozenMs === null) return;
  const sessions = await endFrozenSessions(db, settings.frozenMs);
  if (sessions > 0) log.warn({ sessions }, 'ended PostgreSQL sessions of a frozen process');
}

async function lookOnce(mirror: SyncContext, scheduled: boolean): Promise<void> {
  // Not in a transaction: PostgreSQL would keep the locks of a worker that is frozen in the middle of a look.
  await mirror.queues.watchdog.run(TURN_MS, () => lookAround(mirror, scheduled));
}

async function lookAround(mirror: SyncContext, scheduled: boolean): Promise<void> {
  await watchRuns(mirror);
  if (scheduled) await applySchedule(mirror.queues, mirror.settings);
}
