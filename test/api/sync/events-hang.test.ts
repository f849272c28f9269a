import { sql } from 'drizzle-orm';
import { afterEach, describe, expect, it } from 'vitest';
import type { Transaction } from '../../../src/db/client.ts';
import { recordFailure } from '../../../src/db/runs/failures.ts';
import { grantLease } from '../../../src/db/runs/lease.ts';
import { createRun, updateRun } from '../../../src/db/runs/runs.ts';
import { BC_KEY } from '../../../src/db/schema/sync.ts';
import { waitFor } from '../../support/wait-for.ts';
import type { TestApi } from '../http/start-api.ts';
import { bearer, startApi } from '../http/start-api.ts';
import type { Listener } from './event-listener.ts';
import { heard, listenTo, openListener } from './event-listener.ts';

const EVENTS = '/api/v1/sync/events';
const OFTEN = { eventEveryMs: 20 };
const IMPATIENT = { ...OFTEN, eventStateTimeoutMs: 1000 };

interface State {
  readonly ageSeconds: number;
  readonly openFailures: number;
  readonly currentRun: { readonly elapsedMs: number };
}

let api: TestApi;
const listeners: Listener[] = [];
afterEach(async () => {
  for (const listener of listeners.splice(0)) listener.close();
  await api.close();
});

async function listen(): Promise<Listener> {
  const listener = await openListener(`${await listenTo(api.app)}${EVENTS}`, bearer(api.key));
  listeners.push(listener);
  return listener;
}

/** While `work` runs, no other connection gets an answer from the tables of the state. */
const hanging = (work: (tx: Transaction) => Promise<void>): Promise<void> =>
  api.db.transaction(async (tx) => {
    await tx.execute(sql`lock table sync_failure in access exclusive mode`);
    await work(tx);
  });

/** The number of statements that wait for the lock. */
async function waiting(tx: Transaction): Promise<number> {
  const rows = await tx.execute(
    sql`select from pg_locks where relation = 'sync_failure'::regclass and not granted`,
  );
  return rows.length;
}

async function age(tx: Transaction): Promise<number> {
  const [row] = await tx.execute<{ age: number }>(
    sql`select extract(epoch from clock_timestamp() - last_sync)::float8 as age from sync_state`,
  );
  return row?.age ?? 0;
}

describe('while PostgreSQL hangs', () => {
  it('present and new listeners are informed, and get the state once it answers', async () => {
    api = await startApi({}, {}, IMPATIENT);
    const listener = await waitFor(async () => {
      const one = await listen();
      return one.response.ok && one;
    }, 'a first look');
    await heard(listener, 'state', () => true);
    await hanging(async () => {
      const problem = await heard<{ code: string }>(listener, 'problem', () => true);
      expect(problem).toMatchObject({ status: 503, code: 'database_unavailable' });
      expect(await heard(await listen(), 'problem', () => true)).toEqual(problem);
    });
    for (const { text } of listeners.filter(({ response }) => response.ok)) {
      await waitFor(() => text().lastIndexOf('event: state') > text().indexOf('event: problem'), 'the state');
    }
  });

  it('no listener waits for the first state for ever, and no statement is sent beside the one that hangs', async () => {
    api = await startApi({}, {}, IMPATIENT);
    await hanging(async (tx) => {
      for (let asked = 0; asked < 3; asked += 1) {
        const answer = await api.inject(EVENTS);
        expect([answer.statusCode, answer.json().code]).toEqual([503, 'database_unavailable']);
      }
      expect(await waiting(tx)).toBe(1);
    });
    await heard(await listen(), 'state', () => true);
  });

  it('an old state is sent with its present age, and a late one with its own', async () => {
    api = await startApi({}, {}, OFTEN);
    const run = await createRun(api.db, { key: BC_KEY, mode: 'full', trigger: 'cli' });
    await grantLease(api.db, BC_KEY, run.id, 600_000);
    await updateRun(api.db, run.id, { status: 'running', startedAt: new Date() });
    await api.db.execute(sql`update sync_state set last_sync = now() - interval '1 minute'`);
    const listener = await listen();
    const before = await heard<State>(listener, 'state', () => true);
    await hanging(async (tx) => {
      await waitFor(async () => (await waiting(tx)) > 0, 'the next look to hang');
      const began = await age(tx);
      await waitFor(async () => (await age(tx)) > began + 3, 'the mirror to grow older');
      const late = await heard<State>(await listen(), 'state', () => true);
      expect(late.ageSeconds).toBeGreaterThanOrEqual(before.ageSeconds + 2);
      expect(late.currentRun.elapsedMs).toBeGreaterThan(before.currentRun.elapsedMs + 2000);
      await recordFailure(tx, {
        key: BC_KEY,
        odooId: 7,
        runId: 1,
        jobId: null,
        code: '23514',
        message: 'no',
      });
    });
    // This look began before those three seconds.
    const after = await heard<State>(listener, 'state', ({ openFailures }) => openFailures === 1);
    expect(after.ageSeconds).toBeGreaterThanOrEqual(before.ageSeconds + 2);
  });
});
