import { and, desc, eq, inArray, isNotNull, isNull, lt, notInArray, or, sql } from 'drizzle-orm';
import type { Queryable } from './client.ts';
import {
  type AlertChannel,
  alertDelivery,
  alertIncident,
  type DeliveryRow,
  type IncidentKind,
  type IncidentRow,
} from './schema/alerts.ts';

/** A current fault that must be reported. */
export interface Trouble {
  readonly kind: IncidentKind;
  readonly subject: string;
  readonly code: string;
  readonly message: string;
  readonly runId: number | null;
}

type Topic = Pick<Trouble, 'kind' | 'subject'>;

const isOpen = isNull(alertIncident.resolvedAt);
const isAbout = ({ kind, subject }: Topic) =>
  and(eq(alertIncident.kind, kind), eq(alertIncident.subject, subject), isOpen);

/** The open incident of this kind and subject; there is at most one. */
export async function findOpenIncident(db: Queryable, topic: Topic): Promise<IncidentRow | null> {
  const rows = await db.select().from(alertIncident).where(isAbout(topic));
  return rows[0] ?? null;
}

/** Opens an incident. Null if one of this kind and subject is already open; it stays unchanged. */
export async function openIncident(db: Queryable, trouble: Trouble): Promise<IncidentRow | null> {
  // A query first, because each refused insert would use up an id, every ten seconds.
  if ((await findOpenIncident(db, trouble)) !== null) return null;
  const rows = await db
    .insert(alertIncident)
    .values(trouble)
    .onConflictDoNothing({ target: [alertIncident.kind, alertIncident.subject], where: isOpen })
    .returning();
  return rows[0] ?? null;
}

/** Resolves the open incident of this kind and subject. Null if no such incident is open. */
export async function resolveIncident(db: Queryable, topic: Topic): Promise<IncidentRow | null> {
  const rows = await db
    .update(alertIncident)
    .set({ resolvedAt: sql`clock_timestamp()` })
    .where(isAbout(topic))
    .returning();
  return rows[0] ?? null;
}

/** Open incidents, newest first; all kinds, or one. */
export async function openIncidents(db: Queryable, limit: number, kind?: IncidentKind) {
  return db
    .select()
    .from(alertIncident)
    .where(and(isOpen, kind === undefined ? undefined : eq(alertIncident.kind, kind)))
    .orderBy(desc(alertIncident.id))
    .limit(limit);
}

/** The subject of each open incident. */
export async function openSubjects(db: Queryable): Promise<string[]> {
  const rows = await db.select({ subject: alertIncident.subject }).from(alertIncident).where(isOpen);
  return rows.map(({ subject }) => subject);
}

/** The key of the mirror that an incident is about. Failed sweeps have a subject of their own. */
export const keyOfSubject = (subject: string): string => subject.replace(/ sweep$/, '');

/** Incidents of other mirrors than these, and of none. */
const isOfNone = (keys: readonly string[]) =>
  keys.length === 0 ? undefined : notInArray(alertIncident.subject, subjectsOf(keys));

/** The subjects of the incidents of these mirrors. */
export const subjectsOf = (keys: readonly string[]): string[] => keys.flatMap((key) => [key, `${key} sweep`]);

/** An incident and the state of its notices, in the order in which they were written. */
export type ReportedIncident = IncidentRow & { readonly deliveries: readonly DeliveryRow[] };

/** The end of a page of incidents: among the open ones, which come first, or among the others. */
interface IncidentCursor {
  readonly open: boolean;
  readonly id: number;
}

/**
 * Open incidents, then resolved ones, each newest first. `after` is exclusive.
 *
 * @param page.only incidents of these mirrors, by key; null: all, also those that are about no mirror.
 * @param page.without leaves out the incidents of these mirrors, by key.
 */
export async function listIncidents(
  db: Queryable,
  page: {
    readonly limit: number;
    readonly after: IncidentCursor | null;
    readonly only: readonly string[] | null;
    readonly without: readonly string[];
  },
): Promise<ReportedIncident[]> {
  const incidents = await db
    .select()
    .from(alertIncident)
    .where(
      and(
        page.only === null ? undefined : inArray(alertIncident.subject, subjectsOf(page.only)),
        isOfNone(page.without),
        page.after === null ? undefined : comesAfter(page.after),
      ),
    )
    .orderBy(sql`${alertIncident.resolvedAt} is null desc`, desc(alertIncident.id))
    .limit(page.limit);
  const ids = incidents.map(({ id }) => id);
  const deliveries = await db
    .select()
    .from(alertDelivery)
    .where(inArray(alertDelivery.incidentId, ids))
    .orderBy(alertDelivery.id);
  return incidents.map((incident) => ({
    ...incident,
    deliveries: deliveries.filter(({ incidentId }) => incidentId === incident.id),
  }));
}

function comesAfter({ open, id }: IncidentCursor) {
  const older = lt(alertIncident.id, id);
  const isOver = isNotNull(alertIncident.resolvedAt);
  return open ? or(and(isOpen, older), isOver) : and(isOver, older);
}

/** The clock of the database plus `ms`. */
const inFuture = (ms: number) => sql<Date>`clock_timestamp() + ${ms} * interval '1 millisecond'`;

/**
 * Writes the missing notices of a channel: every open incident, and the end of each incident whose start it has. A
 * channel that is configured during an incident gets a notice of it, and a channel without the start gets no all-clear.
 */
export async function oweDeliveries(db: Queryable, channel: AlertChannel): Promise<void> {
  await db.execute(sql`
    insert into ${alertDelivery} (incident_id, event, channel)
    select incident.id, 'opened', ${channel} from ${alertIncident} as incident
    where incident.resolved_at is null and not exists (
      select 1 from ${alertDelivery} as sent
      where sent.incident_id = incident.id and sent.event = 'opened' and sent.channel = ${channel})
    order by incident.id on conflict do nothing`);
  await db.execute(sql`
    insert into ${alertDelivery} (incident_id, event, channel)
    select incident.id, 'resolved', ${channel}
    from ${alertDelivery} as opened join ${alertIncident} as incident on incident.id = opened.incident_id
    where opened.event = 'opened' and opened.channel = ${channel} and incident.resolved_at is not null and not exists (
      select 1 from ${alertDelivery} as sent
      where sent.incident_id = incident.id and sent.event = 'resolved' and sent.channel = ${channel})
    order by incident.id on conflict do nothing`);
}

/** A notice that a process is delivering. */
export interface ClaimedDelivery {
  readonly delivery: DeliveryRow;
  readonly incident: IncidentRow;
}

/**
 * Claims the oldest due notice of a channel for `holdMs`. Other processes skip it for this time, and take it afterwards
 * if this process crashed. The end of an incident waits until its start was delivered or given up.
 */
export async function claimDelivery(
  db: Queryable,
  channel: AlertChannel,
  holdMs: number,
): Promise<ClaimedDelivery | null> {
  const [delivery] = await db
    .update(alertDelivery)
    .set({ attempts: sql`${alertDelivery.attempts} + 1`, nextAttemptAt: inFuture(holdMs) })
    .where(
      sql`${alertDelivery.id} = (
        select due.id from ${alertDelivery} as due join ${alertIncident} as incident on incident.id = due.incident_id
        where due.channel = ${channel} and due.delivered_at is null and due.given_up_at is null
          and due.next_attempt_at <= clock_timestamp() and (due.event = 'opened' or not exists (
            select 1 from ${alertDelivery} as opened
            where opened.incident_id = due.incident_id and opened.event = 'opened' and opened.channel = due.channel
              and opened.delivered_at is null and opened.given_up_at is null))
        order by due.id limit 1 for update of due skip locked)`,
    )
    .returning();
  if (delivery === undefined) return null;
  const [incident] = await db.select().from(alertIncident).where(eq(alertIncident.id, delivery.incidentId));
  return incident === undefined ? null : { delivery, incident };
}

/** Records that a notice was delivered. */
export async function closeDelivery(db: Queryable, id: number): Promise<void> {
  await db
    .update(alertDelivery)
    .set({ deliveredAt: sql`clock_timestamp()`, lastError: null })
    .where(and(eq(alertDelivery.id, id), isNull(alertDelivery.deliveredAt)));
}

/** Records that a notice was not delivered. It is due again after `pauseMs`, or given up (null). */
export async function failDelivery(
  db: Queryable,
  id: number,
  reason: string,
  pauseMs: number | null,
): Promise<void> {
  const next =
    pauseMs === null ? { givenUpAt: sql<Date>`clock_timestamp()` } : { nextAttemptAt: inFuture(pauseMs) };
  await db
    .update(alertDelivery)
    .set({ lastError: reason, ...next })
    .where(and(eq(alertDelivery.id, id), isNull(alertDelivery.deliveredAt)));
}
