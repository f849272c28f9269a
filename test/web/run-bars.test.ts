import { expect, test } from 'vitest';
import type { Run } from '../../web/api/answers.ts';
import { barsOf, scaleOf } from '../../web/components/charts/run-bars.ts';

const NOTHING = { created: 0, updated: 0, archived: 0, failed: 0 };
const run = (counts: Partial<Run>) => ({ ...NOTHING, durationMs: 100, status: 'success', ...counts }) as Run;

test('three and ten thousand are both seen on one scale, zero is not', () => {
  const { at, ticks } = scaleOf(10_000, 1);
  expect(at(0)).toBe(0);
  expect(at(3)).toBeGreaterThan(0.05);
  expect(at(3)).toBeLessThan(at(30));
  expect(at(10_000)).toBeGreaterThan(0.9);
  expect(at(10_000)).toBeLessThanOrEqual(1);
  expect(ticks).toEqual([10, 100, 1000, 10_000]);
});

test('a scale of a million keeps a readable number of lines', () => {
  expect(scaleOf(1_000_000, 1).ticks.length).toBeLessThanOrEqual(4);
});

test('the parts of a bar share its height as they share the total, from the bottom up', () => {
  const scale = scaleOf(100, 1);
  const [bar] = barsOf([run({ created: 30, failed: 10 })], scale, scaleOf(1000, 10));
  const height = scale.at(40);
  expect(bar?.segments.map(({ part }) => part)).toEqual(['created', 'failed']);
  expect(bar?.segments[0]).toMatchObject({ from: 0, size: height * 0.75 });
  expect(bar?.segments[1]?.from).toBeCloseTo(height * 0.75);
  expect(bar?.segments[1]?.size).toBeCloseTo(height * 0.25);
});

test('a run that changed nothing, or has not ended, has no bar', () => {
  const [bar] = barsOf([run({ durationMs: null })], scaleOf(0, 1), scaleOf(0, 10));
  expect(bar).toMatchObject({ segments: [], duration: 0 });
});
