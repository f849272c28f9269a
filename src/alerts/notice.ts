import type { AlertEvent, IncidentRow } from '../db/schema/alerts.ts';

/** Reasons come from other servers and may be long. */
const MAX_REASON = 300;

/** A reason on one line, cut if it is too long. */
export function short(reason: string): string {
  const line = reason.replace(/\s+/g, ' ').trim();
  return line.length <= MAX_REASON ? line : `${line.slice(0, MAX_REASON - 1)}…`;
}

/** UTC, whole seconds. */
export function moment(date: Date): string {
  return `${date.toISOString().slice(0, 19).replace('T', ' ')} UTC`;
}

/** The decoded part of a URL, or the part itself if its encoding is invalid. */
export function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

type Subject = Omit<IncidentRow, 'kind'> & { readonly kind: IncidentRow['kind'] | 'test' };

/** One notification; every attempt sends the same one. */
export interface Notice {
  /** The same for each attempt and channel, so that a receiver can drop duplicates. */
  readonly id: string;
  readonly type: 'incident.opened' | 'incident.resolved' | 'test';
  readonly incident: Subject;
}

export function noticeOf(incident: IncidentRow, event: AlertEvent): Notice {
  return {
    id: idOf(incident, event),
    type: `incident.${event}`,
    // A notice of the start does not contain the end, even if the end is known already.
    incident: event === 'opened' ? { ...incident, resolvedAt: null } : incident,
  };
}

export function testNotice(now: Date): Notice {
  const message = 'This is a test, asked for by "passerelle alerts test". Nothing is wrong.';
  const about = { kind: 'test', subject: 'passerelle', code: 'test', message } as const;
  const incident = { id: 0, ...about, runId: null, openedAt: now, resolvedAt: null };
  return { id: idOf(incident, 'test'), type: 'test', incident };
}

/**
 * Without a dot, because a dot separates the signed parts. It contains the time, because ids restart in another
 * database.
 */
function idOf({ id, openedAt }: Pick<IncidentRow, 'id' | 'openedAt'>, event: AlertEvent | 'test'): string {
  return `incident_${id}_${event}_${openedAt.getTime()}`;
}

/** The JSON that the webhook posts. */
export function bodyOf({ type, incident }: Notice): string {
  const { id, kind, subject, code, message, runId, openedAt, resolvedAt } = incident;
  return JSON.stringify({ type, id, kind, subject, code, message, runId, openedAt, resolvedAt });
}

/** One line: `mirror bclinbc: run 42 failed`. */
export function titleOf({ type, incident }: Notice): string {
  if (incident.kind === 'test') return 'test';
  const about = `${incident.kind === 'tryton_circuit' ? 'Tryton' : 'mirror'} ${incident.subject}`;
  const what = WHAT_HAPPENED[incident.kind](incident.runId);
  return type === 'incident.resolved' ? `${about}: all clear (${what})` : `${about}: ${what}`;
}

const WHAT_HAPPENED: Readonly<Record<IncidentRow['kind'], (runId: number | null) => string>> = {
  run_failed: (runId) => `run ${runId} failed`,
  run_partial: (runId) => `run ${runId} is partial`,
  sweep_breaker: (runId) => `run ${runId} kept what Odoo no longer shows`,
  mirror_stale: () => 'no run succeeds',
  clock_difference: () => 'the clock of Odoo differs',
  tryton_circuit: () => 'logins are suspended',
};

export function textOf({ type, incident }: Notice): string {
  const { id, kind, subject, code, message, runId, openedAt, resolvedAt } = incident;
  return [
    ...(type === 'incident.resolved' ? ['This is over:', ''] : []),
    message,
    '',
    `Kind      ${kind}`,
    `About     ${subject}`,
    `Code      ${code}`,
    ...(runId === null ? [] : [`Run       ${runId}`]),
    `Since     ${moment(openedAt)}`,
    ...(resolvedAt === null ? [] : [`Until     ${moment(resolvedAt)}`]),
    `Incident  ${id}`,
    '',
    'More: passerelle status, or GET /api/v1/sync/incidents.',
    '',
  ].join('\n');
}
