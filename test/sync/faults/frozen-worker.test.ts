import type { ChildProcess } from 'node:child_process';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LOCK_FAMILIES } from '../../../src/db/locks.ts';
import { onServer } from '../../support/server.ts';
import type { TestSetup } from '../../support/test-setup.ts';
import { openTestSetup } from '../../support/test-setup.ts';
import { waitFor } from '../../support/wait-for.ts';
import { startWorkerProcess } from '../../support/worker-process.ts';

describe('a worker that is frozen while it holds locks', () => {
  let setup: TestSetup;
  let children: ChildProcess[] = [];
  beforeEach(async () => {
    setup = await openTestSetup({
      sandbox: { documents: 200 },
      env: {
        ...{ SYNC_PAGE_SIZE: '20', SYNC_LEASE: '5s', QUEUE_LOCK: '2s', LOG_LEVEL: 'info' },
        DATABASE_IDLE_IN_TRANSACTION: '3s',
      },
    });
  });
  afterEach(async () => {
    for (const child of children) child.kill('SIGKILL');
    children = [];
    await setup.close();
  });

  const worker = () => {
    const { child } = startWorkerProcess(setup.env);
    children.push(child);
    return child;
  };
  /** Sessions with the lock of a document: what PostgreSQL says each of them does. */
  const holders = async () => {
    const rows = await setup.database.client`
      select distinct pid, state, wait_event_type from pg_locks join pg_stat_activity using (pid)
      where locktype = 'advisory' and granted and classid = ${LOCK_FAMILIES.document}
        and datname = current_database()`;
    return rows.map((row) => ({ state: row['state'], waitsFor: row['wait_event_type'] }));
  };
  /** In the middle of a statement of a transaction that holds locks of documents. */
  const freezeAt = (child: ChildProcess, block: string) =>
    onServer(setup.database.url, (sql) =>
      sql.begin(async (tx) => {
        await tx.unsafe(block);
        await waitFor(async () => {
          const found = await holders();
          return found.length > 0 && found.every(({ waitsFor }) => waitsFor === 'Lock');
        }, 'the worker to wait with a lock of its own');
        child.kill('SIGSTOP');
      }),
    );

  /** PostgreSQL parses a statement and waits for parameters that never arrive. */
  const HALF_SENT = 'lock table scrap_dimagaz_bc_line in exclusive mode';
  /** PostgreSQL executes a statement, whose trigger waits, and then the transaction is idle. */
  const SENT = 'select pg_advisory_xact_lock(42)';
  const addTrigger = async () => {
    const { client } = setup.database;
    await client`create function wait() returns trigger language plpgsql as $$ begin
      perform pg_advisory_xact_lock_shared(42); return null; end $$`;
    await client`create trigger wait before insert on scrap_dimagaz_bc_line
      for each statement execute function wait()`;
  };

  it.each([
    ['between two statements', SENT],
    ['in the middle of a statement', HALF_SENT],
  ])('does not stop the other one: frozen %s', async (_, block) => {
    await addTrigger();
    const runId = await setup.request('full');
    const frozen = worker();
    await freezeAt(frozen, block);
    worker();
    const ended = await setup.ended(runId).catch(async (error: unknown) => {
      const states = JSON.stringify(await holders());
      throw new Error(`The run does not end. Sessions with locks: ${states}`, { cause: error });
    });
    const failures = await setup.database.client`select odoo_id, code, message from sync_failure`;
    expect([...failures]).toEqual([]);
    const bcs = setup.odoo.count('dimagaz.bc');
    expect(ended).toMatchObject({ status: 'success', seen: bcs, created: bcs, errorCode: null });
    // Thawed, it works on.
    frozen.kill('SIGCONT');
    expect(await setup.run('full')).toMatchObject({ status: 'success', errorCode: null });
    expect(frozen.exitCode ?? frozen.signalCode).toBeNull();
  });
});
