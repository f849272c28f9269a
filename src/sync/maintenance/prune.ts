import type { Database } from '../../db/client.ts';
import { allStores } from '../../db/documents/mirrors.ts';
import type { MirrorStore } from '../../db/documents/tables.ts';
import {
  deleteAudit,
  deleteFailures,
  deleteIncidents,
  deleteItems,
  deleteModelChanges,
  deletePages,
  deleteRuns,
  type Expiry,
  endOfAudit,
  expiredRuns,
  heldRuns,
  newestRuns,
  runsWithItems,
} from '../../db/runs/retention.ts';
import type { Kept } from '../../queues/jobs.ts';
import { trimJobs } from '../../queues/queues.ts';
import type { SyncContext } from '../context.ts';

/** Maximum of rows in one transaction, so that other sessions do not wait long. */
const BATCH = 2000;
/** Runs deleted together; most have few items. */
const RUNS = 500;

/** Rows and jobs that a prune deleted. */
export interface Pruned {
  readonly items: number;
  readonly runs: number;
  /** Resolved failures of single BCs. */
  readonly failures: number;
  /** Resolved incidents. */
  readonly alerts: number;
  readonly modelChanges: number;
  readonly audit: number;
  /** Jobs that the queues still have from a higher setting. */
  readonly jobs: number;
}

/** The dependencies; an Odoo is not needed. */
export interface PruneSource extends Pick<SyncContext, 'db' | 'queues' | 'retention'> {
  readonly settings: Kept;
}

/**
 * Deletes rows past their retention in small transactions. It may stop at any time, by `signal` or a crash; the next
 * prune continues. Two concurrent prunes share the work.
 */
export async function prune(source: PruneSource, signal?: AbortSignal): Promise<Pruned> {
  const { db, queues, settings, retention } = source;
  const { itemsMs, runsMs, auditMs } = retention;
  const held = await heldRuns(db);
  const needed = [...held, ...(await newestRuns(db))];
  const items = itemsMs === null ? 0 : await pruneItems(db, { ageMs: itemsMs, needed: held }, signal);
  const old = runsMs === null ? NOTHING : await pruneRuns(db, { ageMs: runsMs, needed }, signal);
  const over = runsMs === null ? NOTHING : await pruneOver(db, runsMs, signal);
  const audit = auditMs === null ? 0 : await pruneAudits(db, auditMs, signal);
  return {
    ...NOTHING,
    ...over,
    ...old,
    items: items + old.items,
    audit,
    jobs: await trimJobs(queues, settings),
  };
}

const NOTHING = { items: 0, runs: 0, failures: 0, alerts: 0, modelChanges: 0 };

/** Deletes resolved failures and incidents, which have the retention of runs. */
async function pruneOver(db: Database, ageMs: number, signal?: AbortSignal) {
  return {
    failures: await untilFewer((limit) => deleteFailures(db, ageMs, limit), signal),
    alerts: await untilFewer((limit) => deleteIncidents(db, ageMs, limit), signal),
    modelChanges: await untilFewer((limit) => deleteModelChanges(db, ageMs, limit), signal),
  };
}

/** The ledgers of runs that are kept. */
async function pruneItems(db: Database, expiry: Expiry, signal?: AbortSignal): Promise<number> {
  for (let removed = 0; ; ) {
    const runIds = await runsWithItems(db, expiry, RUNS);
    const now = await clearRuns(db, runIds, signal);
    removed += now;
    if (runIds.length < RUNS || now === 0 || signal?.aborted === true) return removed;
  }
}

/** Whole runs: their ledgers first, so that no item is ever without its run. */
async function pruneRuns(db: Database, expiry: Expiry, signal?: AbortSignal) {
  for (let items = 0, runs = 0; ; ) {
    const runIds = await expiredRuns(db, expiry, RUNS);
    items += await clearRuns(db, runIds, signal);
    const now = await deleteRuns(db, runIds);
    runs += now;
    if (runIds.length < RUNS || now === 0 || signal?.aborted === true) return { items, runs };
  }
}

/** Deletes pages before items: after a crash the rest is found by its items. */
async function clearRuns(db: Database, runIds: readonly number[], signal?: AbortSignal): Promise<number> {
  if (runIds.length === 0) return 0;
  await deletePages(db, runIds);
  return untilFewer((limit) => deleteItems(db, runIds, limit), signal);
}

/** The audit trails of all mirrors. */
async function pruneAudits(db: Database, ageMs: number, signal?: AbortSignal): Promise<number> {
  let removed = 0;
  for (const store of await allStores(db)) removed += await pruneAudit(store, ageMs, signal);
  return removed;
}

/**
 * The audit trail has no index on its dates, but its ids grow with time: it is read from its beginning until a batch
 * has no old row.
 */
async function pruneAudit(store: MirrorStore, ageMs: number, signal?: AbortSignal): Promise<number> {
  let removed = 0;
  for (let after = 0; signal?.aborted !== true; ) {
    const upTo = await endOfAudit(store, after, BATCH);
    if (upTo === null) break;
    const now = await deleteAudit(store, ageMs, { after, upTo });
    if (now === 0) break;
    removed += now;
    after = upTo;
  }
  return removed;
}

async function untilFewer(
  deleteSome: (limit: number) => Promise<number>,
  signal: AbortSignal | undefined,
): Promise<number> {
  for (let removed = 0; ; ) {
    const now = await deleteSome(BATCH);
    removed += now;
    if (now < BATCH || signal?.aborted === true) return removed;
  }
}
