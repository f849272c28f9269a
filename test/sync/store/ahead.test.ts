import { expect, test } from 'vitest';
import { concat, fromPromise, prefetch } from '../../../src/sync/planning/plan-run.ts';

async function* counted(asked: number[], upTo: number): AsyncGenerator<number> {
  for (let value = 1; value <= upTo; value += 1) {
    asked.push(value);
    yield value;
  }
}

test('the next value is asked for while the last one is worked on, and no further one', async () => {
  const asked: number[] = [];
  const values = prefetch(counted(asked, 5));
  await Promise.resolve();
  expect(asked).toEqual([1]);
  expect((await values.next()).value).toBe(1);
  expect(asked).toEqual([1, 2]);
  const rest: number[] = [];
  for await (const value of values) rest.push(value);
  expect(rest).toEqual([2, 3, 4, 5]);
});

test('sources that are asked ahead are under way at once, and are taken one after the other', async () => {
  const asked: number[] = [];
  const taken: number[] = [];
  const sources = [prefetch(counted(asked, 2)), prefetch(fromPromise(async () => asked.push(9)))];
  await Promise.resolve();
  expect(asked).toEqual([1, 9]);
  for await (const value of concat(sources)) taken.push(value);
  expect(taken).toEqual([1, 2, 2]);
});

test('an early error is thrown to the reader of the value, and only there', async () => {
  const failing = prefetch(fromPromise<number>(() => Promise.reject(new Error('away'))));
  // An unhandled rejection would fail the whole test run.
  await new Promise((resolve) => setImmediate(resolve));
  await expect(failing.next()).rejects.toThrow('away');
});
