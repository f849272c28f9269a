import { sql } from 'drizzle-orm';
import { bigserial, index, integer, pgTable, text, uniqueIndex } from 'drizzle-orm/pg-core';
import { bigid, moment } from './columns.ts';

export const INCIDENT_KINDS = [
  'run_failed',
  'run_partial',
  'sweep_breaker',
  'mirror_stale',
  'clock_difference',
  'tryton_circuit',
] as const;
export type IncidentKind = (typeof INCIDENT_KINDS)[number];

/** One row per incident, from the first detection of a fault until it is resolved. */
export const alertIncident = pgTable(
  'alert_incident',
  {
    id: bigserial('id', { mode: 'number' }).primaryKey(),
    kind: text('kind', { enum: INCIDENT_KINDS }).notNull(),
    /** The subject: the key of the mirror, or user and server of the gateway. */
    subject: text('subject').notNull(),
    /** Stable code of the underlying error. */
    code: text('code').notNull(),
    /** One sentence for people: what happened, and what to do. */
    message: text('message').notNull(),
    runId: bigid('run_id'),
    openedAt: moment('opened_at').notNull().defaultNow(),
    resolvedAt: moment('resolved_at'),
  },
  (table) => [
    uniqueIndex('alert_incident_open').on(table.kind, table.subject).where(sql`${table.resolvedAt} is null`),
  ],
);

export const ALERT_EVENTS = ['opened', 'resolved'] as const;
export type AlertEvent = (typeof ALERT_EVENTS)[number];
export const ALERT_CHANNELS = ['webhook', 'email'] as const;
export type AlertChannel = (typeof ALERT_CHANNELS)[number];

/** A notice for a channel. It is written with the incident, so that none is lost or sent twice. */
export const alertDelivery = pgTable(
  'alert_delivery',
  {
    id: bigserial('id', { mode: 'number' }).primaryKey(),
    incidentId: bigid('incident_id').notNull(),
    event: text('event', { enum: ALERT_EVENTS }).notNull(),
    channel: text('channel', { enum: ALERT_CHANNELS }).notNull(),
    attempts: integer('attempts').notNull().default(0),
    nextAttemptAt: moment('next_attempt_at').notNull().defaultNow(),
    deliveredAt: moment('delivered_at'),
    /** No further attempt: it was refused too often. */
    givenUpAt: moment('given_up_at'),
    lastError: text('last_error'),
  },
  (table) => [
    uniqueIndex('alert_delivery_once').on(table.incidentId, table.event, table.channel),
    index('alert_delivery_due')
      .on(table.nextAttemptAt)
      .where(sql`${table.deliveredAt} is null and ${table.givenUpAt} is null`),
  ],
);

export type IncidentRow = typeof alertIncident.$inferSelect;
export type DeliveryRow = typeof alertDelivery.$inferSelect;
