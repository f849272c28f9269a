import { expect, test } from 'vitest';
import { paceOf } from '../../web/live/pace.ts';

test('the pace is that of the samples, and the time left follows from it', () => {
  const samples = [
    { at: 0, done: 100 },
    { at: 1000, done: 150 },
    { at: 2000, done: 300 },
  ];
  expect(paceOf(samples, 1300)).toEqual({ perSecond: 100, leftMs: 10_000 });
});

test.each([
  ['there is one sample', [{ at: 0, done: 1 }]],
  [
    'the samples lie close together',
    [
      { at: 0, done: 1 },
      { at: 500, done: 9 },
    ],
  ],
  [
    'nothing moved',
    [
      { at: 0, done: 5 },
      { at: 9000, done: 5 },
    ],
  ],
])('no pace is told when %s', (_when, samples) => {
  expect(paceOf(samples, 10)).toBeNull();
});
