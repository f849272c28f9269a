import { endFrozenSessions } from '../src/db/locks.ts';
import { applySchedule } from '../src/queues/schedulers.ts';
import { errorMessage } from '../src/shared/errors.ts';
import { PeriodicTask } from '../src/shared/periodic-task.ts';
import type { SyncContext } from '../src/sync/context.ts';
import { keepLease, watchRuns } from '../src/sync/runs/recovery.ts';

/** A shorter lease is checked more often. */
const MAX_PAUSE_MS = 5000;

/** After this time a frozen worker no longer keeps other workers from checking. */
const TURN_MS = 15_000;

/**
 * Checks open runs and schedulers while the worker runs. A failed check is logged once per outage, and the next check
 * tries again. It uses timers, not jobs, because it must survive an emptied Redis.
 */
export function startWatchdog(mirror: SyncContext, scheduled: boolean): { stop(): Promise<void> } {
  const { settings, log } = mirror;
  const everyMs = Math.min(MAX_PAUSE_MS, settings.leaseMs / 3);
  const failed = (error: unknown) => log.warn({ reason: errorMessage(error) }, 'watchdog');
  // Three tasks: a check may wait for Redis, and both others for the locks of a frozen worker.
  const works = [() => keepLease(mirror), () => endFrozen(mirror), () => checkOnce(mirror, scheduled)];
  const tasks = works.map((work) => new PeriodicTask({ work, everyMs, failed }));
  for (const task of tasks) task.start();
  return {
    stop: async () => {
      await Promise.all(tasks.map((task) => task.stop()));
    },
  };
}

async function endFrozen({ db, settings, log }: SyncContext): Promise<void> {
  if (settings.frozenMs === null) return;
  const sessions = await endFrozenSessions(db, settings.frozenMs);
  if (sessions > 0) log.warn({ sessions }, 'ended PostgreSQL sessions of a frozen process');
}

async function checkOnce(mirror: SyncContext, scheduled: boolean): Promise<void> {
  // No transaction: PostgreSQL would keep the locks of a worker that freezes during a check.
  await mirror.queues.watchdog.run(TURN_MS, async () => {
    await watchRuns(mirror);
    if (scheduled) await applySchedule(mirror.queues, mirror.settings);
  });
}
