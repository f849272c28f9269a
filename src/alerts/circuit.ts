import type { Queryable } from '../db/connection.ts';
import { findOpenIncident, openIncidents } from '../db/incidents.ts';
import { findTrytonHealth } from '../db/tryton-health.ts';
import type { Finding } from './finding.ts';
import { short } from './text.ts';

/** How the gateway tells whether logins are suspended. */
export interface CircuitProbe {
  /** `admin@https://erp.example/tryton/`, as in `tryton_health`. */
  readonly subject: string;
  /** Why no login is tried now; null while they may be tried. */
  circuit(): Promise<{ readonly code: string; readonly reason: string } | null>;
}

type Circuit = Awaited<ReturnType<CircuitProbe['circuit']>>;

/** More than any number of users one gateway has had. */
const MOST_SUBJECTS = 100;

/** After that time without any call as that user, nobody signs in with it any more. */
const FORGOTTEN_MS = 3_600_000;

/** How the login of the gateway stands. */
export async function circuitFindings(db: Queryable, subject: string, circuit: Circuit): Promise<Finding[]> {
  return [await openCircuit(db, subject, circuit), ...(await forgottenCircuits(db, subject))];
}

/**
 * Logins to Tryton are suspended. That the pause is over shows nothing, the password may be as wrong as before: what
 * ends the incident is a call that went through since, with no error after it.
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

/** Incidents about users that are not configured any more end when nobody has called as them for an hour. */
async function forgottenCircuits(db: Queryable, subject: string): Promise<Finding[]> {
  const open = await openIncidents(db, MOST_SUBJECTS, 'tryton_circuit');
  const others = open.filter((incident) => incident.subject !== subject);
  return Promise.all(
    others.map(async ({ kind, subject: other, openedAt }): Promise<Finding> => {
      const { error } = await findTrytonHealth(db, other);
      const last = Math.max(openedAt.getTime(), error?.at.getTime() ?? 0);
      return { kind, subject: other, state: Date.now() - last > FORGOTTEN_MS ? 'well' : 'unsure' };
    }),
  );
}
