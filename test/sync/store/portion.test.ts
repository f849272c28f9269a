import { expect, test } from 'vitest';
import {
  batchSize,
  estimateJsonBytes,
  MAX_READING,
  pageByteBudget,
  recordSize,
} from '../../../src/sync/fetch/batch-size.ts';
import type { DocumentModel } from '../../../src/sync/types.ts';

const MEGABYTE = 1024 * 1024;

const model = (): DocumentModel => {
  const empty = { name: 'x', fields: {}, requested: [], binaries: [] };
  return { header: empty, line: empty, linesField: 'line_ids', inverse: 'bc_id' };
};

test('a few BCs are read first, then as many as 4 MB hold, but at least one', () => {
  const known = model();
  expect(batchSize(known, 100 * MEGABYTE)).toBe(50);
  recordSize(known, 8192);
  expect(batchSize(known, 100 * MEGABYTE)).toBe(512);
  expect(batchSize(known, MEGABYTE)).toBe(128);
  const heavy = model();
  recordSize(heavy, 50 * MEGABYTE);
  expect(batchSize(heavy, MEGABYTE)).toBe(1);
});

test('one BC that is huge among small ones makes the next slices small, not all of them', () => {
  const known = model();
  recordSize(known, 8192);
  recordSize(known, 50 * MEGABYTE);
  expect(batchSize(known, 8 * MEGABYTE)).toBeLessThan(20);
  for (let bc = 0; bc < 500; bc += 1) recordSize(known, 8192);
  expect(batchSize(known, 8 * MEGABYTE)).toBeGreaterThan(300);
});

test('however many pages are in flight, each has room for the largest payload', () => {
  for (const pagesInFlight of [1, 4, 64]) {
    expect(pageByteBudget({ pagesInFlight })).toBeGreaterThanOrEqual(MAX_READING);
    expect(pageByteBudget({ pagesInFlight }) * pagesInFlight).toBeLessThanOrEqual(32 * MEGABYTE);
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
  expect(estimateJsonBytes(value) / bytes).toBeGreaterThan(0.8);
  expect(estimateJsonBytes(value) / bytes).toBeLessThan(1.5);
});
