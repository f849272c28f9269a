import { and, desc, eq, inArray, isNotNull, isNull, lt, or, sql } from 'drizzle-orm';
import type { Queryable } from './connection.ts';
import type { DeliveryRow, IncidentKind, IncidentRow } from './schema/alerts.ts';
import { alertDelivery, alertIncident } from './schema/alerts.ts';

/** Something that is wrong now, and that people are to be told of. */
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

/** The open incident of that kind about that subject: there is at most one. */
export async function findOpenIncident(db: Queryable, topic: Topic): Promise<IncidentRow | null> {
  const rows = await db.select().from(alertIncident).where(isAbout(topic));
  return rows[0] ?? null;
}

/** Opens an incident. Null where one of that kind is open about that subject: it stays as it was told. */
export async function openIncident(db: Queryable, trouble: Trouble): Promise<IncidentRow | null> {
  // Looked for first: a refused insert uses up an id, each ten seconds.
  if ((await findOpenIncident(db, trouble)) !== null) return null;
  const rows = await db
    .insert(alertIncident)
    .values(trouble)
    .onConflictDoNothing({ target: [alertIncident.kind, alertIncident.subject], where: isOpen })
    .returning();
  return rows[0] ?? null;
}

/** Ends the open incident of that kind about that subject. Null where there is none. */
export async function resolveIncident(db: Queryable, topic: Topic): Promise<IncidentRow | null> {
  const rows = await db
    .update(alertIncident)
    .set({ resolvedAt: sql`clock_timestamp()` })
    .where(isAbout(topic))
    .returning();
  return rows[0] ?? null;
}

/** Open incidents, newest first; of one kind where it is given. */
export async function openIncidents(db: Queryable, limit: number, kind?: IncidentKind) {
  return db
    .select()
    .from(alertIncident)
    .where(and(isOpen, kind === undefined ? undefined : eq(alertIncident.kind, kind)))
    .orderBy(desc(alertIncident.id))
    .limit(limit);
}

export async function countOpenIncidents(db: Queryable): Promise<number> {
  return db.$count(alertIncident, isOpen);
}

/** An incident and what became of its notices, in the order they were written. */
export type ToldIncident = IncidentRow & { readonly deliveries: readonly DeliveryRow[] };

/** Where a page of incidents ends: in the open ones, which come first, or in the others. */
export interface IncidentCursor {
  readonly open: boolean;
  readonly id: number;
}

/** Open incidents, then those that are over, each newest first; `after` is exclusive. */
export async function listIncidents(
  db: Queryable,
  page: { readonly limit: number; readonly after: IncidentCursor | null },
): Promise<ToldIncident[]> {
  const incidents = await db
    .select()
    .from(alertIncident)
    .where(page.after === null ? undefined : comesAfter(page.after))
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
