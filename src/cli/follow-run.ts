import { startWorkers } from '../../workers/worker-pool.ts';
import { heartbeat, readState } from '../db/runs/lease.ts';
import { progress as itemsByState } from '../db/runs/ledger.ts';
import { findRun, type NewRun, openRuns } from '../db/runs/runs.ts';
import type { SyncLogRow, SyncStateRow } from '../db/schema/sync.ts';
import { connectedWorkers } from '../queues/queues.ts';
import { delay } from '../shared/retry.ts';
import type { SyncContext } from '../sync/context.ts';
import { firstFullRun, requestRun } from '../sync/request-run.ts';
import { abandonedRun } from '../sync/runs/start-run.ts';
import type { OpenMirror } from './connections.ts';
import type { Io } from './io.ts';
import { createProgress, createRate, note } from './progress.ts';
import { count, counted, type Words, wordsOf } from './text.ts';

const POLL_INTERVAL_MS = 100;
/** Counting the items of a large run is slow. */
const COUNT_EVERY_MS = 1000;

export function isOver({ status }: Pick<SyncLogRow, 'status'>): boolean {
  return status !== 'queued' && status !== 'running';
}

interface FollowParts {
  readonly mirror: SyncContext;
  readonly workforce: Pick<InProcessWorkers, 'ensure'>;
  readonly io: Io;
}

/** Polls a run until it ends or the signal is aborted, and returns its row. */
async function followRun(
  { mirror, workforce, io }: FollowParts,
  runId: number,
  signal: AbortSignal,
): Promise<SyncLogRow> {
  const line = createProgress(io);
  const describe = describer(mirror);
  try {
    for (;;) {
      const run = await findRun(mirror.db, runId);
      if (run === null) throw new Error(`Run ${runId} is not in sync_log; the database was changed.`);
      if (isOver(run) || signal.aborted) return run;
      await workforce.ensure();
      if (io.stderr.isTTY === true) line.show(await describe(run));
      await delay(POLL_INTERVAL_MS, signal).catch(() => {});
    }
  } finally {
    line.clear();
  }
}

/** `Run 14 (full)`; a run of single BCs is `Reading BC 7 from Odoo`, because the user named them. */
function titleOf({ id, mode, odooIds }: SyncLogRow, { document }: Words): string {
  if (mode !== 'single' || odooIds === null) return `Run ${id} (${mode})`;
  return `Reading ${odooIds.length === 1 ? `${document} ${odooIds[0]}` : counted(odooIds.length, document)} from Odoo`;
}

function describer({ db, definition }: SyncContext): (run: SyncLogRow) => Promise<string> {
  const words = wordsOf(definition.name);
  const rate = createRate();
  let text = '';
  let nextCount = 0;
  return async (run) => {
    const title = titleOf(run, words);
    if (run.status === 'queued') return `${title}: waiting for a worker`;
    if (run.plannedAt === null) return `${title}: planning`;
    if (Date.now() < nextCount) return text;
    nextCount = Date.now() + COUNT_EVERY_MS;
    const { open = 0, failed = 0 } = await itemsByState(db, run.id);
    const done = run.planned - open;
    const parts = [
      `${count(done)} of ${words.amount(run.planned)}`,
      rate(done),
      failed > 0 && `${failed} failed`,
    ];
    text = `${title}: ${parts.filter(Boolean).join(', ')}`;
    return text;
  };
}

/** Counting workers is slow. */
const WORKER_CHECK_INTERVAL_MS = 3000;

type InProcessWorkers = ReturnType<typeof createWorkforce>;

/** The workers of this process. They start if no other process has any. */
function createWorkforce({ mirror, redis, prefix }: OpenMirror, io: Io) {
  let workers: { stop(): Promise<void> } | undefined;
  let stopped: Promise<void> | undefined;
  let nextLook = 0;
  return {
    get own(): boolean {
      return workers !== undefined;
    },
    /** Starts workers if a queue has none. Checks at most every 3 s. */
    async ensure(): Promise<void> {
      if (workers !== undefined || Date.now() < nextLook) return;
      nextLook = Date.now() + WORKER_CHECK_INTERVAL_MS;
      if ((await connectedWorkers(mirror.queues)) > 0) return;
      note(io, 'No worker is connected: this command does the work itself.');
      workers = await startWorkers(mirror, { redis, prefix, scheduled: false, upkeep: false });
    },
    /** Waits for jobs in progress. May be called again. */
    stop: (): Promise<void> => {
      stopped ??= workers?.stop() ?? Promise.resolve();
      return stopped;
    },
  };
}

type Request = Pick<NewRun, 'mode' | 'odooIds' | 'force' | 'newSource'> & {
  /** `cli` by default. */
  readonly trigger?: 'retry';
};

/** @returns the id of the queued run. */
export async function request({ db, queues, definition }: SyncContext, wanted: Request): Promise<number> {
  const { runId } = await requestRun(db, queues.sync, { trigger: 'cli', ...wanted, key: definition.key });
  return runId;
}

/**
 * Requests a run and follows it to its end, with workers of this process if there are no others. After Ctrl-C it
 * returns the row of the unfinished run.
 */
export async function requestAndFollow(open: OpenMirror, io: Io, wanted: Request): Promise<SyncLogRow> {
  const { mirror } = open;
  const workforce = createWorkforce(open, io);
  const stop = new AbortController();
  const forget = io.onInterrupt(() => stop.abort());
  try {
    const run = await finishPendingRunFirst({ mirror, workforce, io }, wanted, stop.signal);
    await workforce.stop();
    if (!isOver(run) && workforce.own) await releaseRun(mirror, run.id);
    return run;
  } finally {
    forget();
    await workforce.stop();
  }
}

interface Follower {
  readonly mirror: SyncContext;
  readonly workforce: InProcessWorkers;
  readonly io: Io;
}

/** Follows the first run that reads everything. After an abort it returns the row of the unfinished run. */
export async function followFirstRun(
  { mirror }: Pick<OpenMirror, 'mirror'>,
  io: Io,
  signal: AbortSignal,
): Promise<SyncLogRow> {
  const { db, queues, definition } = mirror;
  // The worker is another process.
  const follower = { mirror, workforce: { ensure: async () => {} }, io };
  return firstFullRun(db, queues.sync, definition.key, new Date(0), (id) => followRun(follower, id, signal));
}

/**
 * If an earlier process left a run unfinished, that run is resumed first, and then the new one is requested again. If
 * this process works by itself, it also finishes a run that was waiting and is taken up first, because no worker may be
 * running; the new run then stays skipped.
 */
async function finishPendingRunFirst(
  follower: Follower,
  wanted: Request,
  signal: AbortSignal,
): Promise<SyncLogRow> {
  const { mirror, workforce, io } = follower;
  const left = await abandonedRun(mirror);
  const waiting = (await openRuns(mirror.db, mirror.definition.key)).find(
    ({ status, mode }) => status === 'queued' && mode !== 'single',
  );
  const run = await followRun(follower, await request(mirror, wanted), signal);
  if (run.status !== 'skipped') return run;
  const before = workforce.own && waiting !== undefined ? await findRun(mirror.db, waiting.id) : null;
  const state = await readState(mirror.db, mirror.definition.key);
  // A run that is still queued after its turn, and is not just starting, has lost its job.
  const lost = before?.status === 'queued' && state?.leaseRunId !== before.id;
  const first = left ?? (lost ? null : before);
  if (first === null) {
    if (workforce.own && state?.held === true) io.stderr.write(orphanedRunHint(state));
    return run;
  }
  io.stderr.write(`Run ${first.id} had been left unfinished; it comes first.\n`);
  const other = await followRun(follower, first.id, signal);
  if (!isOver(other)) return other;
  // A run that was requested at the same time did the same work; an abandoned run did other work.
  return left === null ? run : finishPendingRunFirst(follower, wanted, signal);
}

/** Ends the lease of a run without a process, so that the next process resumes it at once. */
async function releaseRun({ db, definition }: SyncContext, runId: number): Promise<void> {
  const run = await findRun(db, runId);
  if (run?.leaseToken != null && !isOver(run)) await heartbeat(db, definition.key, run.leaseToken, 0);
}

/** The lease of a killed process lasts until it expires. */
function orphanedRunHint({ leaseRunId, leaseExpiresAt }: SyncStateRow): string {
  const until = leaseExpiresAt?.toISOString().slice(0, 19).replace('T', ' ');
  return `Run ${leaseRunId} has the lease until ${until} UTC, but no worker was found: the next sync after that resumes it.\n`;
}
