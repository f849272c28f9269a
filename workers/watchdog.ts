import { sql } from 'drizzle-orm';
import { LOCKS } from '../src/db/locks.ts';
import { errorMessage } from '../src/errors.ts';
import { depth } from '../src/queues/queues.ts';
import { applySchedule } from '../src/queues/schedulers.ts';
import type { Mirror } from '../src/sync/mirror.ts';
import { keepLease, watchRuns } from '../src/sync/resume.ts';
import { withinMs } from '../src/within.ts';

/** A short lease is looked after more often. */
const LONGEST_PAUSE_MS = 5000;

/** A look that takes longer no longer keeps other workers from looking: Redis may have gone away in its middle. */
const LOOK_LIMIT_MS = 30_000;

/**
 * Looks after open runs and the schedulers while the worker runs; a failed look is logged and the next one tries
 * again. A timer, not a job: it must survive an emptied Redis.
 */
export function startWatchdog(mirror: Mirror, scheduled: boolean): { stop(): Promise<void> } {
  const { settings, log } = mirror;
  const warn = (error: unknown) => log.warn({ reason: errorMessage(error) }, 'watchdog');
  // Apart from the look, which may wait for Redis: leases live in PostgreSQL.
  const lease = oneAtATime(() => keepLease(mirror).catch(warn));
  const look = oneAtATime(() => lookOnce(mirror, scheduled).catch(warn));
  const timer = setInterval(
    () => {
      lease.start();
      look.start();
    },
    Math.min(LONGEST_PAUSE_MS, settings.leaseMs / 3),
  );
  return {
    stop: async () => {
      clearInterval(timer);
      await Promise.all([lease.settled(), look.settled()]);
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

async function lookOnce(mirror: Mirror, scheduled: boolean): Promise<void> {
  // Redis is waited for here, with no connection and no lock in hand.
  await depth(mirror.queues.sync);
  let looking: Promise<void> = Promise.resolve();
  try {
    await mirror.db.transaction(async (tx) => {
      const [lock] = await tx.execute<{ mine: boolean }>(
        sql`select pg_try_advisory_xact_lock(${LOCKS.watchdog}) as mine`,
      );
      if (lock?.mine !== true) return;
      looking = lookAround(mirror, scheduled);
      await withinMs(looking, LOOK_LIMIT_MS, () => new Error('a look takes long; other workers may look'));
    });
  } finally {
    await looking;
  }
}

async function lookAround(mirror: Mirror, scheduled: boolean): Promise<void> {
  await watchRuns(mirror);
  if (scheduled) await applySchedule(mirror.queues, mirror.settings);
}
