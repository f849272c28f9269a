import { findOpenIncident, openIncidents, type Trouble } from '../db/alerts.ts';
import type { Queryable } from '../db/client.ts';
import {
  clockDifference,
  endedFailures,
  lastStep,
  newestBreaker,
  newestEnded,
  waitForSuccess,
} from '../db/mirror-stats.ts';
import { countOpenFailures } from '../db/runs/failures.ts';
import type { RunMode } from '../db/schema/sync.ts';
import { findTrytonHealth } from '../db/upstream-health.ts';
import { moment, short } from './notice.ts';

/** Reports whether the gateway suspends logins. */
export interface CircuitProbe {
  /** `admin@https://erp.example/tryton/`, as in `tryton_health`. */
  readonly subject: string;
  /** Why logins are suspended; null if they are not. */
  circuit(): Promise<{ readonly code: string; readonly reason: string } | null>;
}

type Circuit = Awaited<ReturnType<CircuitProbe['circuit']>>;

/** More users than any gateway has had. */
const MAX_SUBJECTS = 100;

/** After this time without a call, the user counts as no longer configured. */
const FORGOTTEN_MS = 3_600_000;

export async function circuitFindings(db: Queryable, subject: string, circuit: Circuit): Promise<Finding[]> {
  return [await openCircuit(db, subject, circuit), ...(await forgottenCircuits(db, subject))];
}

/**
 * Logins to Tryton are suspended. The end of the pause does not resolve the incident, because the password may still be
 * wrong. A later call that succeeds, without an error after it, resolves it.
 */
async function openCircuit(db: Queryable, subject: string, circuit: Circuit): Promise<Finding> {
  const about = { kind: 'tryton_circuit', subject } as const;
  if (circuit !== null) {
    const message = `Logins to Tryton are suspended, because the last one failed: ${short(circuit.reason)}`;
    return { ...about, state: 'trouble', code: circuit.code, message, runId: null };
  }
  const open = await findOpenIncident(db, about);
  const { success, error } = await findTrytonHealth(db, subject);
  const isOver =
    open !== null &&
    success !== null &&
    success.at > open.openedAt &&
    (error === null || success.at > error.at);
  return { ...about, state: isOver ? 'well' : 'unsure' };
}

/** Resolves incidents of users that are no longer configured: no call for an hour. */
async function forgottenCircuits(db: Queryable, subject: string): Promise<Finding[]> {
  const open = await openIncidents(db, MAX_SUBJECTS, 'tryton_circuit');
  const others = open.filter((incident) => incident.subject !== subject);
  return Promise.all(
    others.map(async ({ kind, subject: other, openedAt }): Promise<Finding> => {
      const { error } = await findTrytonHealth(db, other);
      const last = Math.max(openedAt.getTime(), error?.at.getTime() ?? 0);
      return { kind, subject: other, state: Date.now() - last > FORGOTTEN_MS ? 'well' : 'unsure' };
    }),
  );
}

/** Modes of which one run makes up for a failure of another. A sweep does not make up for a window that failed. */
interface Lane {
  readonly subject: string;
  readonly modes: readonly RunMode[];
}

/** Failures named in a notice; the rest are only counted. */
const FAILURES_NAMED = 3;

/** The newest run of each lane failed. The next run that does not fail resolves it. Single runs do not count. */
async function failedRuns(db: Queryable, key: string): Promise<Finding[]> {
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
 * BCs that failed for good and have not been stored since. Later runs may succeed while such a BC waits for its next
 * attempt, so the check counts open failures, not runs.
 */
async function partialRuns(db: Queryable, key: string): Promise<Finding> {
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

/** A run kept BCs or lines that Odoo no longer returns. A later run that checks them and keeps none resolves it. */
async function trippedBreaker(db: Queryable, key: string): Promise<Finding> {
  const about = { kind: 'sweep_breaker', subject: key } as const;
  const { tripped, isProven } = await newestBreaker(db, key);
  if (tripped === null) return { ...about, state: isProven ? 'well' : 'unsure' };
  const { runId, message } = tripped;
  return { ...about, state: 'trouble', code: 'sweep_breaker', message, runId };
}

export interface ClockLimit {
  /** SYNC_OVERLAP. */
  readonly overlapMs: number;
}

/** Times of Odoo have whole seconds, and the clocks of two servers differ by some seconds. */
const MIN_DIFFERENCE_MS = 60_000;

/**
 * The `Date` header of Odoo's answers and the clock of PostgreSQL differ by more than SYNC_OVERLAP. Windows begin by
 * `write_date`, so no change is lost, but ages are wrong. A run with clocks that agree resolves it.
 */
async function differentClocks(db: Queryable, key: string, { overlapMs }: ClockLimit): Promise<Finding> {
  const about = { kind: 'clock_difference', subject: key } as const;
  const found = await clockDifference(db, key);
  if (found === null) return { ...about, state: 'unsure' };
  const { runId, aheadMs } = found;
  if (Math.abs(aheadMs) <= Math.max(overlapMs, MIN_DIFFERENCE_MS)) return { ...about, state: 'well' };
  const message =
    `The clock of Odoo's answers (HTTP header Date) is ${Math.round(Math.abs(aheadMs) / 1000)} s ` +
    `${aheadMs > 0 ? 'ahead of' : 'behind'} the clock of PostgreSQL, more than SYNC_OVERLAP (${overlapMs / 1000} s). ` +
    'Changes are still found, but the age of the mirror is wrong. Set the clocks of Odoo, of the proxy before it and ' +
    'of PostgreSQL by NTP.';
  return { ...about, state: 'trouble', code: 'clock_difference', message, runId };
}

export interface Staleness {
  /** SYNC_EVERY; null if runs are not scheduled, so a late mirror is no fault. */
  readonly everyMs: number | null;
  /** ALERT_STALE_INTERVALS. */
  readonly staleIntervals: number;
}

/**
 * No run has succeeded for too long, and no run makes progress (a long first load or sweep does). The next success or
 * progress resolves it. Its time must be later than the incident: otherwise processes with different settings would
 * open and resolve it in turn.
 */
async function staleMirror(
  db: Queryable,
  key: string,
  { everyMs, staleIntervals }: Staleness,
): Promise<Finding> {
  const about = { kind: 'mirror_stale', subject: key } as const;
  const limitMs = (everyMs ?? 0) * staleIntervals;
  const { since, lastSuccess, isLong } = await waitForSuccess(db, key, limitMs);
  const open = await findOpenIncident(db, about);
  // A long run has many steps, so they are queried only if needed.
  const step = isLong || open !== null ? await lastStep(db, key, limitMs) : null;
  if (everyMs !== null && since !== null && isLong && step?.isRecent !== true && step?.isPlanning !== true) {
    const message =
      `No run has brought the mirror up to date since ${moment(since)}, although one is due every ` +
      `${everyMs / 1000} s. Check that a worker is running and that Redis and Odoo answer; passerelle status shows more.`;
    return { ...about, state: 'trouble', code: 'mirror_stale', message, runId: null };
  }
  const signs = [lastSuccess, step?.at ?? null];
  const isOver = signs.some((sign) => open !== null && sign !== null && sign > open.openedAt);
  return { ...about, state: isOver ? 'well' : 'unsure' };
}

export async function mirrorFindings(
  db: Queryable,
  key: string,
  settings: Staleness & ClockLimit,
): Promise<Finding[]> {
  return [
    ...(await failedRuns(db, key)),
    await partialRuns(db, key),
    await trippedBreaker(db, key),
    await staleMirror(db, key, settings),
    await differentClocks(db, key, settings),
  ];
}

/**
 * The state of one subject now. `well` resolves an open incident. `unsure` changes nothing: there is no visible fault,
 * but no proof either that an earlier fault is over.
 */
export type Finding =
  | ({ readonly state: 'trouble' } & Trouble)
  | ({ readonly state: 'well' | 'unsure' } & Pick<Trouble, 'kind' | 'subject'>);
