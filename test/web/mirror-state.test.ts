import { expect, test } from 'vitest';
import type { Overview, Run } from '../../web/api/answers.ts';
import { mirrorStateOf } from '../../web/live/mirror-state.ts';

const MINUTE_MS = 60_000;

const STATE: Overview = {
  ...{ key: 'bclinbc', source: null, isSyncing: false, lastSync: '2026-01-31T08:00:00Z', ageSeconds: 5 },
  ...{ everySeconds: 60, lateAfterSeconds: 300, currentRun: null, lastRuns: [], lastMirrorRun: null },
  ...{ openFailures: 0, openIncidents: 0, queues: null },
};

const run = (mode: Run['mode'], status: Run['status']) => ({ mode, status }) as Run;
const running = { phase: 'storing' } as Overview['currentRun'];

test.each([
  ['nothing is known yet', null, 0, 'unknown'],
  ['nothing was ever copied', { ...STATE, lastSync: null }, null, 'empty'],
  ['the first sync is under way', { ...STATE, lastSync: null, currentRun: running }, null, 'syncing'],
  ['it is young', STATE, MINUTE_MS, 'fresh'],
  ['a run is under way', { ...STATE, currentRun: running }, MINUTE_MS, 'syncing'],
  ['it is as old as counts as late', STATE, 5 * MINUTE_MS, 'late'],
  ['it is late and a run is under way', { ...STATE, currentRun: running }, 6 * MINUTE_MS, 'late'],
  ['it is old and no run is expected', { ...STATE, lateAfterSeconds: null }, 9 * MINUTE_MS, 'fresh'],
  ['the last run failed', { ...STATE, lastMirrorRun: run('full', 'failed') }, 0, 'failing'],
  ['the last run left some out', { ...STATE, lastMirrorRun: run('full', 'partial') }, 0, 'fresh'],
] as const)('when %s', (_when, state, ageMs, mirrorState) => {
  expect(mirrorStateOf(state as Overview | null, ageMs)).toBe(mirrorState);
});

test('runs of single orders, however many, hide no run of the whole mirror', () => {
  const lastRuns = Array.from({ length: 5 }, () => run('single', 'success'));
  expect(mirrorStateOf({ ...STATE, lastRuns, lastMirrorRun: run('full', 'failed') }, 0)).toBe('failing');
  const failed = lastRuns.map(() => run('single', 'failed'));
  expect(mirrorStateOf({ ...STATE, lastRuns: failed, lastMirrorRun: run('full', 'success') }, 0)).toBe(
    'fresh',
  );
});
