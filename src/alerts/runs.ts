import type { Queryable } from '../db/connection.ts';
import { countOpenFailures } from '../db/failures.ts';
import { endedFailures, newestBreaker, newestEnded } from '../db/mirror-health.ts';
import type { RunMode } from '../db/schema/sync.ts';
import type { Finding } from './finding.ts';
import { short } from './text.ts';

/** Runs that stand for one another: a sweep does not make up for a window that failed. */
interface Lane {
  readonly subject: string;
  readonly modes: readonly RunMode[];
}

/** Failures named in a notice; the rest are only counted. */
const FAILURES_NAMED = 3;

/** The newest run of each lane failed; over with the first that does not. Single runs have no say. */
export async function failedRuns(db: Queryable, key: string): Promise<Finding[]> {
  const lanes: Lane[] = [
    { subject: key, modes: ['incremental', 'full'] },
    { subject: `${key} sweep`, modes: ['sweep'] },
  ];
  return Promise.all(
    lanes.map(async ({ subject, modes }): Promise<Finding> => {
      const about = { kind: 'run_failed', subject } as const;
      const run = await newestEnded(db, key, modes);
      if (run === null) return { ...about, state: 'unsure' };
      if (run.status !== 'failed') return { ...about, state: 'well' };
      const message = `Run ${run.id} (${run.mode}) failed. ${short(run.errorMessage ?? '')}`.trim();
      return { ...about, state: 'trouble', code: run.errorCode ?? 'run_failed', message, runId: run.id };
    }),
  );
}

/**
 * BCs that failed for good and have not been stored since. The runs after a partial one are successes, while such a BC
 * waits for its next try: what counts is whether one is left.
 */
export async function partialRuns(db: Queryable, key: string): Promise<Finding> {
  const about = { kind: 'run_partial', subject: key } as const;
  if ((await countOpenFailures(db, key)) === 0) return { ...about, state: 'well' };
  const { count, runId, first } = await endedFailures(db, key, FAILURES_NAMED);
  const [oldest] = first;
  if (oldest === undefined) return { ...about, state: 'unsure' };
  const named = first.map(({ odooId, message }) => `BC ${odooId}: ${short(message)}`).join(' ');
  const more = count > first.length ? ` And ${count - first.length} more.` : '';
  const message =
    `${count === 1 ? '1 BC' : `${count} BCs`} could not be stored and will be tried again. ${named}${more} ` +
    'All of them: passerelle status, GET /api/v1/sync/failures.';
  return { ...about, state: 'trouble', code: oldest.code, message, runId };
}

/** A run kept BCs or lines that Odoo no longer shows; over with a later run that looked for them and kept none. */
export async function trippedBreaker(db: Queryable, key: string): Promise<Finding> {
  const about = { kind: 'sweep_breaker', subject: key } as const;
  const { tripped, isProven } = await newestBreaker(db, key);
  if (tripped === null) return { ...about, state: isProven ? 'well' : 'unsure' };
  const { runId, message } = tripped;
  return { ...about, state: 'trouble', code: 'sweep_breaker', message, runId };
}
