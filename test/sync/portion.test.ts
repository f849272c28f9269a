import { expect, test } from 'vitest';
import { LARGEST_READING, pageRoom, portion, weigh, weightOf } from '../../src/sync/fetch/batch-size.ts';
import type { DocumentModel } from '../../src/sync/types.ts';

const MEGABYTE = 1024 * 1024;

const model = (): DocumentModel => {
  const empty = { name: 'x', fields: {}, requested: [], binaries: [] };
  return { header: empty, line: empty, linesField: 'line_ids', inverse: 'bc_id' };
};

test('a few BCs are read first, then as many as 4 MB hold, but at least one', () => {
  const known = model();
  expect(portion(known, 100 * MEGABYTE)).toBe(50);
  weigh(known, 8192);
  expect(portion(known, 100 * MEGABYTE)).toBe(512);
  expect(portion(known, MEGABYTE)).toBe(128);
  const heavy = model();
  weigh(heavy, 50 * MEGABYTE);
  expect(portion(heavy, MEGABYTE)).toBe(1);
});

test('one BC that is huge among small ones makes the next slices small, not all of them', () => {
  const known = model();
  weigh(known, 8192);
  weigh(known, 50 * MEGABYTE);
  expect(portion(known, 8 * MEGABYTE)).toBeLessThan(20);
  for (let bc = 0; bc < 500; bc += 1) weigh(known, 8192);
  expect(portion(known, 8 * MEGABYTE)).toBeGreaterThan(300);
});

test('however many pages are in flight, each has room for the largest payload', () => {
  for (const pagesInFlight of [1, 4, 64]) {
    expect(pageRoom({ pagesInFlight })).toBeGreaterThanOrEqual(LARGEST_READING);
    expect(pageRoom({ pagesInFlight }) * pagesInFlight).toBeLessThanOrEqual(32 * MEGABYTE);
  }
});

test.each([
  ['scalars', [1, -2.5, true, false, null, 123456789]],
  [
    'a record',
    { id: 7, name: 'BC/2026/0007', partner_id: [12, 'Société Générale du Gaz'], line_ids: [1, 2, 3] },
  ],
  ['long texts', { notes: 'é'.repeat(5000), html: '<p>'.repeat(3000), cjk: '油'.repeat(4000) }],
  ['nested values', [{ properties: [{ name: 'a', value: { b: ['c', ['d']] } }] }]],
])('the weight of %s is about that of its JSON', (_, value) => {
  const bytes = Buffer.byteLength(JSON.stringify(value));
  expect(weightOf(value) / bytes).toBeGreaterThan(0.8);
  expect(weightOf(value) / bytes).toBeLessThan(1.5);
});
