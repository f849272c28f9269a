import type { Queue } from 'bullmq';
import type { QueuedPage } from '../db/ledger.ts';
import { openItems, queuedPages } from '../db/ledger.ts';
import { bcJobId } from '../queues/bc.ts';
import { pageJobId } from '../queues/pages.ts';
import type { Mirror } from './mirror.ts';

/** BCs of a page whose jobs are looked for at once: Redis has other work, and the next look sees those that follow. */
const LOOKED_FOR = 20;

/**
 * Pages of a run that owe BCs which no job will bring: Redis was emptied or went back in time, a process died
 * between ledger and queue, or a job ended without a word. Pages queued less than `graceMs` ago are left out.
 */
export async function lostPages(mirror: Mirror, runId: number, graceMs: number): Promise<number[]> {
  const lost: number[] = [];
  for (const page of await queuedPages(mirror.db, runId, graceMs)) {
    if (await isLost(mirror, runId, page)) lost.push(page.page);
  }
  return lost;
}

async function isLost(
  { db, queues }: Mirror,
  runId: number,
  { page, generation }: QueuedPage,
): Promise<boolean> {
  if (await isAlive(queues.pages, pageJobId({ runId, page, generation }))) return false;
  // The page's job has ended: it has queued the jobs of its BCs, or never will.
  const owed = (await openItems(db, runId, page)).slice(0, LOOKED_FOR);
  const alive = await Promise.all(
    owed.map((odooId) => isAlive(queues.bc, bcJobId({ runId, odooId, generation }))),
  );
  const without = owed.filter((_, index) => alive[index] === false);
  if (without.length === 0) return false;
  // A job that ended meanwhile has told the ledger before it did.
  const still = new Set(await openItems(db, runId, page));
  return without.some((odooId) => still.has(odooId));
}

async function isAlive(queue: Pick<Queue, 'getJobState'>, jobId: string): Promise<boolean> {
  return !['completed', 'failed', 'unknown'].includes(await queue.getJobState(jobId));
}
