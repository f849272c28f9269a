import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { resolveFailures } from '../../../src/db/runs/failures.ts';
import { updateRun } from '../../../src/db/runs/runs.ts';
import { freshDatabase } from '../../support/database.ts';
import { addFailure, addRun, incidentsOf, KEY, lookAtMirror, truncateAll } from './rows.ts';

let database: Awaited<ReturnType<typeof freshDatabase>>;
beforeAll(async () => {
  database = await freshDatabase();
});
afterAll(() => database.close());
beforeEach(() => truncateAll(database.db));

const TIMEOUT = { errorCode: 'odoo_timeout', errorMessage: 'Odoo did not answer\nwithin 30 s.' };
const run = (...args: Parameters<typeof addRun> extends [unknown, ...infer Rest] ? Rest : never) =>
  addRun(database.db, ...args);
const fail = (odooId: number, runId: number, message?: string) =>
  addFailure(database.db, odooId, runId, message);

/** The incidents that a check opened and closed, each as `kind subject`. */
async function news() {
  const { opened, resolved } = await lookAtMirror(database.db);
  const names = (rows: typeof opened) => rows.map(({ kind, subject }) => `${kind} ${subject}`);
  return { opened: names(opened), resolved: names(resolved) };
}
const NOTHING = { opened: [], resolved: [] };

describe('a run that failed', () => {
  it('is one incident for as many as fail in a row, and over with the first that does not', async () => {
    expect(await news()).toEqual(NOTHING);
    await run('full', 'success');
    expect(await news()).toEqual(NOTHING);
    const first = await run('incremental', 'failed', TIMEOUT);
    expect(await news()).toEqual({ opened: ['run_failed bclinbc'], resolved: [] });
    await run('incremental', 'failed', { errorCode: 'odoo_unreachable', errorMessage: 'Gone.' });
    expect(await news()).toEqual(NOTHING);
    expect(await incidentsOf(database.db)).toMatchObject([
      {
        kind: 'run_failed',
        subject: KEY,
        code: 'odoo_timeout',
        message: `Run ${first} (incremental) failed. Odoo did not answer within 30 s.`,
        runId: first,
        resolvedAt: null,
      },
    ]);
    await run('full', 'partial');
    expect(await news()).toEqual({ opened: [], resolved: ['run_failed bclinbc'] });
    expect(await news()).toEqual(NOTHING);
    await run('incremental', 'failed', TIMEOUT);
    expect(await news()).toEqual({ opened: ['run_failed bclinbc'], resolved: [] });
    expect(await incidentsOf(database.db)).toHaveLength(2);
  });

  it('of a sweep is an incident of its own, which only a sweep ends', async () => {
    await run('sweep', 'failed', TIMEOUT);
    expect(await news()).toEqual({ opened: ['run_failed bclinbc sweep'], resolved: [] });
    await run('incremental', 'success');
    expect(await news()).toEqual(NOTHING);
    await run('sweep', 'success');
    expect(await news()).toEqual({ opened: [], resolved: ['run_failed bclinbc sweep'] });
  });

  it('is not raised by a resync, and neither resyncs nor skipped or open runs end one', async () => {
    await run('single', 'failed', TIMEOUT);
    expect(await news()).toEqual(NOTHING);
    await run('incremental', 'failed', TIMEOUT);
    await news();
    await run('single', 'success');
    await run('incremental', 'skipped');
    await run('incremental', 'running');
    expect(await news()).toEqual(NOTHING);
  });
});

describe('BCs that could not be stored', () => {
  it('are one incident until the last of them is stored, whatever the runs between', async () => {
    const partial = await run('full', 'partial');
    await fail(7, partial, 'Odoo refuses\nit.');
    await fail(9, partial);
    expect(await news()).toEqual({ opened: ['run_partial bclinbc'], resolved: [] });
    expect(await incidentsOf(database.db)).toMatchObject([
      {
        code: 'odoo_access_denied',
        runId: partial,
        message:
          '2 BCs could not be stored and will be tried again. BC 7: Odoo refuses it. BC 9: BC 9 is odd. ' +
          'All of them: passerelle status, GET /api/v1/sync/failures.',
      },
    ]);
    const next = await run('incremental', 'success');
    await resolveFailures(database.db, KEY, [7], next);
    expect(await news()).toEqual(NOTHING);
    await resolveFailures(database.db, KEY, [9], next);
    expect(await news()).toEqual({ opened: [], resolved: ['run_partial bclinbc'] });
  });

  it('are named up to three, and counted', async () => {
    const partial = await run('full', 'partial');
    for (const odooId of [1, 2, 3, 4, 5]) await fail(odooId, partial, 'x'.repeat(1000));
    await news();
    const [incident] = await incidentsOf(database.db);
    expect(incident?.message).toMatch(/^5 BCs .* BC 3: x+… And 2 more\. All/);
    expect(incident?.message.length).toBeLessThan(1200);
  });

  it('are not reported before their run is over, and a retry is no all-clear', async () => {
    const first = await run('full', 'running');
    await fail(7, first);
    expect(await news()).toEqual(NOTHING);
    await updateRun(database.db, first, { status: 'partial', finishedAt: new Date() });
    expect(await news()).toEqual({ opened: ['run_partial bclinbc'], resolved: [] });
    await fail(7, await run('incremental', 'running'));
    expect(await news()).toEqual(NOTHING);
  });
});

describe('a sweep that the breaker stopped', () => {
  const BREAKER = { errorCode: 'sweep_breaker', errorMessage: 'Nothing was archived: 150 of 300 are gone.' };

  it('is one incident until a sweep is not stopped; one that fails shows nothing', async () => {
    const sweep = await run('sweep', 'partial', BREAKER);
    expect(await news()).toEqual({ opened: ['sweep_breaker bclinbc'], resolved: [] });
    expect(await incidentsOf(database.db)).toMatchObject([
      { code: 'sweep_breaker', message: BREAKER.errorMessage, runId: sweep },
    ]);
    await run('incremental', 'success');
    await run('sweep', 'partial', BREAKER);
    expect(await news()).toEqual(NOTHING);
    await run('sweep', 'failed', TIMEOUT);
    expect(await news()).toEqual({ opened: ['run_failed bclinbc sweep'], resolved: [] });
    await run('sweep', 'success');
    expect(await news()).toEqual({
      opened: [],
      resolved: ['run_failed bclinbc sweep', 'sweep_breaker bclinbc'],
    });
  });
});

describe('two looks at once', () => {
  it('open an incident once', async () => {
    await run('full', 'failed', TIMEOUT);
    const looks = await Promise.all(Array.from({ length: 8 }, () => lookAtMirror(database.db, ['webhook'])));
    expect(looks.flatMap(({ opened }) => opened)).toHaveLength(1);
    expect(await incidentsOf(database.db)).toHaveLength(1);
    await lookAtMirror(database.db);
    // Ids are not used up by looking.
    await run('full', 'success');
    await lookAtMirror(database.db);
    await run('full', 'failed', TIMEOUT);
    await lookAtMirror(database.db);
    expect((await incidentsOf(database.db)).map(({ id }) => id)).toEqual([1, 2]);
  });
});

describe('a clock of Odoo that differs from the one of PostgreSQL', () => {
  const START = Date.parse('2026-03-02T08:00:00Z');
  /** A run whose planning took ten seconds, and the time of Odoo in it, in seconds after its start. */
  const planned = (token: number, odooSeconds: number) =>
    run('incremental', 'success', {
      leaseToken: token,
      startedAt: new Date(START),
      plannedAt: new Date(START + 10_000),
      nowSync: new Date(START + odooSeconds * 1000),
    });

  it('by more than the overlap is an incident, until a run sees clocks that agree', async () => {
    expect(await news()).toEqual(NOTHING);
    await planned(1, 610);
    expect(await news()).toEqual(NOTHING);
    const ahead = await planned(2, 911);
    expect(await news()).toEqual({ opened: ['clock_difference bclinbc'], resolved: [] });
    expect(await news()).toEqual(NOTHING);
    await planned(3, 5);
    expect(await news()).toEqual({ opened: [], resolved: ['clock_difference bclinbc'] });
    const behind = await planned(4, -700);
    expect(await news()).toEqual({ opened: ['clock_difference bclinbc'], resolved: [] });
    const [first, second] = await incidentsOf(database.db);
    expect(first).toMatchObject({ code: 'clock_difference', runId: ahead });
    expect(first?.message).toContain(
      'is 901 s ahead of the clock of PostgreSQL, more than SYNC_OVERLAP (600 s).',
    );
    expect(second).toMatchObject({ runId: behind });
    expect(second?.message).toContain('is 700 s behind the clock of PostgreSQL');
  });

  it('by less than a minute raises no incident, however short the overlap is', async () => {
    await planned(1, 65);
    expect((await lookAtMirror(database.db, [], { overlapMs: 0 })).opened).toEqual([]);
    await planned(2, 71);
    expect((await lookAtMirror(database.db, [], { overlapMs: 0 })).opened).toHaveLength(1);
  });
});
