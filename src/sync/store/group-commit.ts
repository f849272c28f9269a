import { getFencingState } from '../../db/runs/lease.ts';
import { groupBy } from '../../shared/collections.ts';
import { errorMessage } from '../../shared/errors.ts';
import type { SyncContext } from '../context.ts';
import { isRejectedByPostgres } from '../error-policy.ts';
import { loadFetchedDocuments } from '../fetch/handoff.ts';
import { advanceWhenPagesAreDone } from '../runs/advance-run.ts';
import type { CommitOutcome, Entry, GroupItem, GroupOutcome } from '../types.ts';
import { Batcher } from './batcher.ts';
import { storeTogether } from './store-documents.ts';
/** Groups that are written at once: while PostgreSQL works on one, the next is prepared. */
export const GROUPS_CONCURRENCY = 2;

/** Maximum of JSON in one group of several BCs. */
const GROUP_BYTES = 4 * 1024 * 1024;

/**
 * Group commit: BC jobs that are active together share transactions. Each gets its own outcome. If a group fails, its
 * BCs are stored one by one, so that only the faulty BC fails.
 */
export function openGroups(mirror: () => SyncContext, { size, waitMs }: { size: number; waitMs: number }) {
  return new Batcher<GroupItem, CommitOutcome>({
    ...{ size, waitMs, bytes: GROUP_BYTES, atOnce: GROUPS_CONCURRENCY },
    keyOf: ({ odooId }) => odooId,
    commit: (items) => commit(mirror(), items),
  });
}

type Settled = PromiseSettledResult<CommitOutcome>;

const PROCESS_SINGLY: Settled = { status: 'fulfilled', value: 'process_singly' };

/** An item with its document. */
interface WholeItem extends Entry {
  readonly item: GroupItem;
}

async function commit(mirror: SyncContext, items: readonly GroupItem[]): Promise<Settled[]> {
  const { runs, newestSeq } = await getFencingState(mirror.db, [...new Set(items.map(({ runId }) => runId))]);
  const results = new Map<GroupItem, Settled>();
  const valid: GroupItem[] = [];
  for (const item of items) {
    const run = runs.get(item.runId);
    const isRunning = run?.status === 'running';
    if (isRunning && run.leaseToken !== item.token) results.set(item, fulfilled('superseded'));
    else if (item.document === null && !(isRunning && run.mode !== 'single'))
      results.set(item, PROCESS_SINGLY);
    else valid.push(item);
  }
  const given = await loadFetchedDocuments(
    mirror,
    valid.filter(({ document }) => document === null),
    newestSeq,
  );
  const whole: WholeItem[] = [];
  for (const item of valid) {
    const document = item.document ?? given.get(item);
    if (document === undefined) results.set(item, PROCESS_SINGLY);
    else whole.push({ item, ...item, document });
  }
  for (const [item, result] of await storeGroup(mirror, whole)) results.set(item, result);
  await advance(
    mirror,
    whole.map(({ item }) => item).filter((item) => results.get(item)?.status === 'fulfilled'),
  );
  return items.map((item) => results.get(item) ?? { status: 'rejected', reason: new Error('no outcome') });
}

/** All in one transaction; those that cannot be stored together, one by one. */
async function storeGroup(
  mirror: SyncContext,
  items: readonly WholeItem[],
): Promise<Map<GroupItem, Settled>> {
  const { definition, settings, log } = mirror;
  const results = new Map<GroupItem, Settled>();
  const store = (some: readonly WholeItem[]) => storeTogether(mirror, definition.key, settings, some);
  const note = ({ item }: WholeItem, outcome: GroupOutcome | undefined) => {
    if (outcome !== undefined && outcome !== 'store_singly') results.set(item, fulfilled(outcome));
  };
  if (items.length > 1) {
    try {
      const outcomes = await store(items);
      for (const [index, item] of items.entries()) note(item, outcomes[index]);
    } catch (error) {
      if (!isRejectedByPostgres(error)) {
        return new Map(items.map(({ item }) => [item, { status: 'rejected', reason: error }]));
      }
      log.debug({ bcs: items.length, reason: errorMessage(error) }, 'a group is stored one by one');
    }
  }
  for (const whole of items) {
    if (results.has(whole.item)) continue;
    try {
      const [outcome] = await store([whole]);
      note(whole, outcome);
    } catch (error) {
      results.set(whole.item, { status: 'rejected', reason: error });
    }
  }
  return results;
}

/** The documents are committed. If this fails, the watchdog continues the run. */
async function advance(mirror: SyncContext, items: readonly GroupItem[]): Promise<void> {
  for (const [runId, own] of groupBy(items, (item) => item.runId)) {
    const pages = [...new Set(own.map((item) => item.page))];
    try {
      await advanceWhenPagesAreDone(mirror, runId, pages);
    } catch (error) {
      mirror.log.warn({ runId, pages, reason: errorMessage(error) }, 'moving a run on');
    }
  }
}

function fulfilled(value: CommitOutcome): Settled {
  return { status: 'fulfilled', value };
}
