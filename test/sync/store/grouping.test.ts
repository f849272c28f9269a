import { describe, expect, it, vi } from 'vitest';
import { Batcher, type GroupingOptions } from '../../../src/sync/store/batcher.ts';

/** Commits stay open until the test lets them go. */
function openGrouping(options: Partial<GroupingOptions<number, string>> = {}) {
  const groups: number[][] = [];
  const gates: ((error?: Error) => void)[] = [];
  const grouping = new Batcher<number, string>({
    ...{ size: 3, bytes: 100, waitMs: 60_000, atOnce: 1, keyOf: (item) => item },
    commit: async (items) => {
      groups.push([...items]);
      await new Promise<void>((resolve, reject) => {
        gates.push((error) => (error === undefined ? resolve() : reject(error)));
      });
      return items.map((item) =>
        item < 0
          ? { status: 'rejected', reason: new Error(`no ${item}`) }
          : { status: 'fulfilled', value: `stored ${item}` },
      );
    },
    ...options,
  });
  const add = (items: readonly number[], bytes = 1) => items.map((item) => grouping.add(item, bytes));
  const letGo = (error?: Error) => gates.shift()?.(error);
  return { groups, add, letGo };
}

describe('grouping what arrives at about the same time', () => {
  it('commits a full group at once, in order of arrival', async () => {
    const { groups, add, letGo } = openGrouping();
    const stored = add([1, 2, 3, 4]);
    expect(groups).toEqual([[1, 2, 3]]);
    letGo();
    expect(await Promise.all(stored.slice(0, 3))).toEqual(['stored 1', 'stored 2', 'stored 3']);
  });

  it('commits a group that is not full when no BC joins any more', async () => {
    const { groups, add, letGo } = openGrouping({ waitMs: 1 });
    const [stored] = add([1]);
    await expect.poll(() => groups).toEqual([[1]]);
    letGo();
    expect(await stored).toBe('stored 1');
  });

  it('keeps to its number of open commits, and goes on when one ends', async () => {
    const { groups, add, letGo } = openGrouping({ atOnce: 2 });
    const stored = add([1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(groups).toEqual([
      [1, 2, 3],
      [4, 5, 6],
    ]);
    letGo();
    await stored[0];
    await expect.poll(() => groups.at(2)).toEqual([7, 8, 9]);
  });

  it('commits what waited behind a busy one without waiting again', async () => {
    vi.useFakeTimers();
    const { groups, add, letGo } = openGrouping({ waitMs: 1 });
    const [first] = add([1, 2, 3]);
    add([4]);
    vi.advanceTimersByTime(1);
    // From here on no timer of the grouping fires any more.
    vi.useRealTimers();
    expect(groups).toEqual([[1, 2, 3]]);
    letGo();
    await first;
    await expect.poll(() => groups).toEqual([[1, 2, 3], [4]]);
  });

  it('keeps a group below its weight, and commits a heavier BC alone', async () => {
    const { groups, add, letGo } = openGrouping({ size: 10 });
    const [heavy] = add([1], 500);
    const light = add([2, 3, 4], 40);
    letGo();
    await heavy;
    await expect.poll(() => groups).toEqual([[1], [2, 3]]);
    letGo();
    await light[0];
    add([5], 60);
    await expect.poll(() => groups.at(2)).toEqual([4, 5]);
  });

  it('never puts two items with one key into one group', async () => {
    const { groups, add, letGo } = openGrouping({ keyOf: (item) => item % 10 });
    const [first] = add([1, 11, 2, 3]);
    letGo();
    await first;
    add([4]);
    await expect
      .poll(() => groups)
      .toEqual([
        [1, 2],
        [11, 3, 4],
      ]);
  });

  it('gives everyone an outcome of their own', async () => {
    const { add, letGo } = openGrouping();
    const stored = Promise.allSettled(add([1, -2, 3]));
    letGo();
    expect((await stored).map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
  });

  it('rejects all of a group whose commit throws, and commits the next', async () => {
    const { add, letGo } = openGrouping();
    const failing = Promise.allSettled(add([1, 2, 3]));
    letGo(new Error('away'));
    expect((await failing).map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected']);
    const [stored] = add([4, 5, 6]);
    letGo();
    expect(await stored).toBe('stored 4');
  });
});
