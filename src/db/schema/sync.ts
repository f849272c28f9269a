import { sql } from 'drizzle-orm';
import {
  bigserial,
  boolean,
  index,
  integer,
  jsonb,
  pgTable,
  text,
  uniqueIndex,
  uuid,
} from 'drizzle-orm/pg-core';
import type { OdooValue } from '../../odoo/types.ts';
import { bigid, moment } from './columns.ts';

export const RUN_MODES = ['incremental', 'full', 'single', 'sweep'] as const;
export type RunMode = (typeof RUN_MODES)[number];

/** `queued`: waits for a worker; `running`: holds the lease; the others are final. */
export const RUN_STATUSES = ['queued', 'running', 'success', 'partial', 'failed', 'skipped'] as const;
export type RunStatus = (typeof RUN_STATUSES)[number];

export const RUN_TRIGGERS = ['schedule', 'api', 'cli', 'retry', 'hook'] as const;
export type RunTrigger = (typeof RUN_TRIGGERS)[number];

/** A database of Odoo. */
export interface SourceDatabase {
  readonly name: string;
  /** `database.uuid` of Odoo; null if its user may not read it. */
  readonly uuid: string | null;
  /** When Odoo created the record of our user; null if it may not read that. */
  readonly userCreated: string | null;
}

/**
 * The values that the content of Odoo's answers depends on: `uid`, `context` (ODOO_CONTEXT), and `lang`, `tz`,
 * `company_id` and `company_ids` of the user. A value that the user may not read is missing.
 */
export type SourceReader = Readonly<Record<string, OdooValue>>;

/** The source of the mirror. */
export interface MirrorSource {
  readonly model: string;
  readonly lineModel: string;
  readonly linesField: string;
  readonly database: SourceDatabase;
  readonly reader: SourceReader;
  /** The `--new-source` run that moves the mirror to this source. Removed when the run succeeds. */
  readonly unfinishedRun?: number;
}

/** The records that a verification counted in Odoo. */
export interface VerifiedCounts {
  readonly headers: number;
  readonly lines: number;
  /** By the clock of PostgreSQL. */
  readonly at: string;
}

/** One row per mirror (`bclinbc`): how far it got, and the lease that keeps runs apart. */
export const syncState = pgTable('sync_state', {
  key: text('key').primaryKey(),
  isSyncing: boolean('is_syncing').notNull().default(false),
  /** The time of Odoo at the start of the last run that stored or parked all its planned BCs. */
  lastSync: moment('last_sync'),
  /** The run that holds the lease. */
  leaseRunId: bigid('lease_run_id'),
  /** Grows with every grant. A holder with an older one has lost the lease. */
  leaseToken: bigid('lease_token').notNull().default(0),
  leaseExpiresAt: moment('lease_expires_at'),
  leaseHeartbeatAt: moment('lease_heartbeat_at'),
  /** The newest change of the model that a full run has covered; 0: none. */
  modelRead: bigid('model_read').notNull().default(0),
  /** The identity of this mirror. The owner key in Redis contains it, so that two mirrors do not share queues. */
  mirrorId: uuid('mirror_id').notNull().defaultRandom(),
  /** The newest `write_date` that the runs have listed. */
  newestWrite: moment('newest_write'),
  /** Its value when the last run began to list. The next window begins after it at the latest. */
  seenUntil: moment('seen_until'),
  /** The PostgreSQL server whose `fetch_seq` gave the last numbers: see `src/db/documents/fetch-sequence.ts`. */
  sequenceServer: text('sequence_server'),
  /** The source of the mirror; null before the first run. */
  source: jsonb('source').$type<MirrorSource>(),
  /** Sweeps read all BCs again in turn, by id: the last one so far. */
  rereadAfter: bigid('reread_after').notNull().default(0),
  /** The counts of the last verification without a finding; null before the first one. */
  verified: jsonb('verified').$type<VerifiedCounts>(),
});

/** One row per run, skipped ones included. Counts are final when `finished_at` is set. */
export const syncLog = pgTable(
  'sync_log',
  {
    id: bigserial('id', { mode: 'number' }).primaryKey(),
    key: text('key').notNull(),
    mode: text('mode', { enum: RUN_MODES }).notNull(),
    trigger: text('trigger', { enum: RUN_TRIGGERS }).notNull(),
    status: text('status', { enum: RUN_STATUSES }).notNull(),
    requestedAt: moment('requested_at').notNull().defaultNow(),
    startedAt: moment('started_at'),
    finishedAt: moment('finished_at'),
    /** Lower bound of the window (`write_date >= since`); null if the run reads everything or named ids. */
    since: moment('since'),
    /** The time of Odoo when the run began. */
    nowSync: moment('now_sync'),
    /** The newest `write_date` that the run listed; null if it listed none. */
    newestWrite: moment('newest_write'),
    leaseToken: bigid('lease_token'),
    /** The failed run whose open items this one continues. */
    continues: bigid('continues'),
    /** The newest change of the model when the run was planned; 0: none. */
    modelChange: bigid('model_change').notNull().default(0),
    odooIds: jsonb('odoo_ids').$type<number[]>(),
    /** The run may archive more BCs and remove more lines than the breakers allow. */
    force: boolean('force').notNull().default(false),
    /** The sweep reads every BC again, because the mirror may move to another source. */
    newSource: boolean('new_source').notNull().default(false),
    protocol: text('protocol'),
    odooVersion: text('odoo_version'),
    /** Set when the whole ledger is written. A run without it is planned again after a crash. */
    plannedAt: moment('planned_at'),
    /** The time of PostgreSQL when the planner last made progress: an answer of Odoo, or a stored slice. */
    lastStepAt: moment('last_step_at'),
    planned: integer('planned').notNull().default(0),
    seen: integer('seen').notNull().default(0),
    created: integer('created').notNull().default(0),
    updated: integer('updated').notNull().default(0),
    unchanged: integer('unchanged').notNull().default(0),
    archived: integer('archived').notNull().default(0),
    gone: integer('gone').notNull().default(0),
    failed: integer('failed').notNull().default(0),
    /** Changes that a sweep found and that no later window would find, mostly late commits. */
    late: integer('late').notNull().default(0),
    /** BCs that a sweep reads although no date differs: see `src/sync/planning/reread.ts`. */
    reread: integer('reread').notNull().default(0),
    linesSeen: integer('lines_seen').notNull().default(0),
    linesRemoved: integer('lines_removed').notNull().default(0),
    /** Lines of the mirror that a sweep did not find in Odoo while it found their BC; 0 in other runs. */
    linesGone: integer('lines_gone').notNull().default(0),
    rpcCalls: integer('rpc_calls').notNull().default(0),
    /** A longer duration than 24.8 days is stored as 2147483647. */
    durationMs: integer('duration_ms'),
    errorCode: text('error_code'),
    errorMessage: text('error_message'),
  },
  (table) => [
    index('sync_log_open').on(table.status).where(sql`${table.status} in ('queued', 'running')`),
    index('sync_log_ended')
      .on(table.key, table.mode, table.id)
      .where(sql`${table.status} in ('success', 'partial', 'failed')`),
    index('sync_log_planned')
      .on(table.key, table.leaseToken)
      .where(
        sql`${table.plannedAt} is not null and ${table.mode} in ('incremental', 'full') and ${table.status} in ('success', 'partial', 'failed')`,
      ),
  ],
);

/** One row per incident: a BC that failed for the last time, until its first success. */
export const syncFailure = pgTable(
  'sync_failure',
  {
    id: bigserial('id', { mode: 'number' }).primaryKey(),
    key: text('key').notNull(),
    odooId: bigid('odoo_id').notNull(),
    code: text('code').notNull(),
    message: text('message').notNull(),
    runId: bigid('run_id').notNull(),
    jobId: text('job_id'),
    failures: integer('failures').notNull().default(1),
    firstFailedAt: moment('first_failed_at').notNull().defaultNow(),
    lastFailedAt: moment('last_failed_at').notNull().defaultNow(),
    /** From this time, scheduled runs retry the BC. */
    nextAttemptAt: moment('next_attempt_at').notNull(),
    resolvedAt: moment('resolved_at'),
    resolvedByRunId: bigid('resolved_by_run_id'),
  },
  (table) => [
    uniqueIndex('sync_failure_open').on(table.key, table.odooId).where(sql`${table.resolvedAt} is null`),
  ],
);

/** The last state of Odoo as seen by a worker, one row per server, database and user. */
export const odooHealth = pgTable('odoo_health', {
  /** `admin@https://odoo.example.com/db`. */
  target: text('target').primaryKey(),
  version: text('version'),
  protocol: text('protocol'),
  /** Median duration of the calls of the last minute. */
  latencyMs: integer('latency_ms'),
  lastSuccessAt: moment('last_success_at'),
  lastSuccessMethod: text('last_success_method'),
  lastErrorAt: moment('last_error_at'),
  lastErrorMethod: text('last_error_method'),
  lastErrorCode: text('last_error_code'),
  lastErrorMessage: text('last_error_message'),
});

export type SyncStateRow = typeof syncState.$inferSelect;
export type SyncLogRow = typeof syncLog.$inferSelect;
export type SyncFailureRow = typeof syncFailure.$inferSelect;

/** The state key of the only mirror. */
export const BC_KEY = 'bclinbc';
