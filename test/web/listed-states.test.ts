import { expect, test } from 'vitest';
import type { Mirror } from '../../web/api/answers.ts';
import { byTrouble, isTrouble, listedStateOf } from '../../web/live/mirror-state.ts';

const MINUTE_MS = 60_000;

const MIRROR: Mirror = {
  ...{ name: 'partners', key: 'partners', isConfigured: true, model: 'res.partner', lineModel: null },
  ...{ table: 'scrap_res_partner', view: 'res_partner', documents: 12, isSyncing: false },
  ...{ lastSync: '2026-01-31T08:00:00Z', ageSeconds: 5, everySeconds: 60, lateAfterSeconds: 300 },
  ...{ lastStatus: 'success', openFailures: 0, openIncidents: 0 },
  lastRun: { id: 4, mode: 'incremental', status: 'success', finishedAt: '2026-01-31T08:00:03Z' },
};
const lastRun = (status: 'failed' | 'partial') => ({
  lastRun: { id: 5, mode: 'full' as const, status, finishedAt: '2026-01-31T08:00:03Z' },
});
const NEVER = { lastSync: null, ageSeconds: null, lastRun: null, documents: 0 };

test.each([
  ['it is young', {}, 'fresh'],
  ['it is old', { ageSeconds: 300 }, 'late'],
  ['its last run failed', { ageSeconds: 300, ...lastRun('failed') }, 'failing'],
  ['some records failed', { openFailures: 2, ...lastRun('partial') }, 'failures'],
  ['an incident is open', { openIncidents: 1 }, 'incidents'],
  ['it never ran', NEVER, 'never'],
  ['its first run is in progress', { ...NEVER, isSyncing: true }, 'syncing'],
  ['its first run copied nothing', { ...NEVER, ...lastRun('partial') }, 'empty'],
  ['Odoo has no records for it', { documents: 0 }, 'empty'],
  ['no run is scheduled', { everySeconds: null, lateAfterSeconds: null }, 'unscheduled'],
] as const)('when %s', (_when, changed, state) => {
  const mirror = { ...MIRROR, ...changed };
  const ageMs = mirror.ageSeconds === null ? null : mirror.ageSeconds * 1000;
  expect(listedStateOf(mirror, ageMs)).toBe(state);
  expect(isTrouble(state)).toBe(['failing', 'late', 'failures', 'incidents'].includes(state));
});

test('mirrors in trouble come first, the others in the order of the configuration', () => {
  const all: Mirror[] = [
    { ...MIRROR, name: 'well' },
    { ...MIRROR, name: 'also-well' },
    { ...MIRROR, ...NEVER, name: 'new' },
    { ...MIRROR, name: 'failed', ...lastRun('failed') },
    { ...MIRROR, name: 'late' },
  ];
  const rows = byTrouble(all, ({ name }) => (name === 'late' ? 9 * MINUTE_MS : 0));
  expect(rows.map(({ mirror }) => mirror.name)).toEqual(['failed', 'late', 'new', 'well', 'also-well']);
});
