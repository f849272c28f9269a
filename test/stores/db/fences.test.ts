import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { getFencingState } from '../../../src/db/runs/lease.ts';
import { createRun } from '../../../src/db/runs/runs.ts';
import { freshDatabase } from '../../support/database.ts';

describe('the newest reading that may be of a run', () => {
  let database: Awaited<ReturnType<typeof freshDatabase>>;
  let runId: number;
  beforeAll(async () => {
    database = await freshDatabase();
    ({ id: runId } = await createRun(database.db, { key: 'bclinbc', mode: 'full', trigger: 'cli' }));
  });
  afterAll(() => database?.close());

  const newest = async (...runIds: number[]) => (await getFencingState(database.db, runIds)).newestSeq;

  it('is the one that got the last number, and none before the first', async () => {
    expect(await newest(runId)).toBe(0);
    await database.client`select nextval('fetch_seq')`;
    expect(await newest(runId)).toBe(1);
  });

  it.each([
    [true, 880_000],
    [false, 879_999],
  ])('is found by a sequence that was set to 880000, used up: %s', async (isUsed, expected) => {
    await database.client`select setval('fetch_seq', 880000, ${isUsed})`;
    expect(await newest(runId)).toBe(expected);
  });

  it('is absent if the log has no such run', async () => {
    expect(await newest(runId + 1)).toBe(0);
    expect(await newest(runId, runId + 1)).toBeGreaterThan(0);
  });
});
