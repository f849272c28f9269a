import type { Queryable } from '../db/connection.ts';
import { findOpenIncident } from '../db/incidents.ts';
import { lastStep, waitForSuccess } from '../db/mirror-health.ts';
import type { Finding } from './finding.ts';
import { moment } from './text.ts';

export interface Staleness {
  /** SYNC_EVERY; null: runs do not start by themselves, and nobody expects any. */
  readonly everyMs: number | null;
  /** ALERT_STALE_INTERVALS. */
  readonly staleIntervals: number;
}

/**
 * No run has brought the mirror up to date for too long, and none is about to: a long first load gets further all the
 * time, and a large sweep compares for long. Over with the next success, or when the run that hung goes on: what shows it must be later than the incident, so
 * that processes whose settings differ do not open and end it in turn.
 */
export async function staleMirror(
  db: Queryable,
  key: string,
  { everyMs, staleIntervals }: Staleness,
): Promise<Finding> {
  const about = { kind: 'mirror_stale', subject: key } as const;
  const limitMs = (everyMs ?? 0) * staleIntervals;
  const { since, lastSuccess, isLong } = await waitForSuccess(db, key, limitMs);
  const open = await findOpenIncident(db, about);
  // The steps of a long run are many: they are looked at only where they matter.
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
