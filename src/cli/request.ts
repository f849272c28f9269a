import { heartbeat, readState } from '../db/lease.ts';
import type { NewRun } from '../db/runs.ts';
import { findRun, openRuns } from '../db/runs.ts';
import type { SyncLogRow, SyncStateRow } from '../db/schema/sync.ts';
import type { Mirror } from '../sync/mirror.ts';
import { requestRun } from '../sync/request.ts';
import { abandonedRun } from '../sync/start.ts';
import { followRun, isOver } from './follow.ts';
import type { Io } from './io.ts';
import type { OpenMirror } from './open.ts';
import type { Workforce } from './workforce.ts';
import { createWorkforce } from './workforce.ts';

export type Request = Pick<NewRun, 'mode' | 'odooIds' | 'force'>;

/** Logs and queues a run. Returns its id. */
export async function request({ db, queues, definition }: Mirror, wanted: Request): Promise<number> {
  const { runId } = await requestRun(db, queues.sync, { ...wanted, key: definition.key, trigger: 'cli' });
  return runId;
}

/**
 * Asks for a run and follows it to its end, with workers of this process where there are no others. After Ctrl-C
 * the row of a run that still goes on is returned.
 */
export async function requestAndFollow(open: OpenMirror, io: Io, wanted: Request): Promise<SyncLogRow> {
  const { mirror } = open;
  const workforce = createWorkforce(open);
  const stop = new AbortController();
  const forget = io.onInterrupt(() => stop.abort());
  try {
    const run = await firstThingsFirst({ mirror, workforce, io }, wanted, stop.signal);
    await workforce.stop();
    if (!isOver(run) && workforce.own) await leaveToTheNext(mirror, run.id);
    return run;
  } finally {
    forget();
    await workforce.stop();
  }
}

interface Follower {
  readonly mirror: Mirror;
  readonly workforce: Workforce;
  readonly io: Io;
}

/**
 * A run that an earlier process left unfinished is resumed in the place of the new one: it is followed to its end,
 * then the new one is asked for again. A run that was waiting when this one was asked for, and is taken up first, is
 * finished too where this process works by itself, as there may be nobody else to do it; the new one stays skipped.
 */
async function firstThingsFirst(
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
  // One that is queued still, although its turn came first, and is not just starting has lost its job.
  const lost = before?.status === 'queued' && state?.leaseRunId !== before.id;
  const first = left ?? (lost ? null : before);
  if (first === null) {
    if (workforce.own && state?.held === true) io.stderr.write(deserted(state));
    return run;
  }
  io.stderr.write(`Run ${first.id} had been left unfinished; it comes first.\n`);
  const other = await followRun(follower, first.id, signal);
  if (!isOver(other)) return other;
  // A run that was asked for at the same time did the work; one that had been left unfinished is another's.
  return left === null ? run : firstThingsFirst(follower, wanted, signal);
}

/** Nobody works on the run any more: its lease ends now, so that whoever comes next resumes it at once. */
async function leaveToTheNext({ db, definition }: Mirror, runId: number): Promise<void> {
  const run = await findRun(db, runId);
  if (run?.leaseToken != null && !isOver(run)) await heartbeat(db, definition.key, run.leaseToken, 0);
}

/** A process that was killed keeps its lease for a while. */
function deserted({ leaseRunId, leaseExpiresAt }: SyncStateRow): string {
  const until = leaseExpiresAt?.toISOString().slice(0, 19).replace('T', ' ');
  return `Run ${leaseRunId} has the lease until ${until} UTC, but no worker was found: the next sync after that resumes it.\n`;
}
