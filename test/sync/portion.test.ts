import { expect, test } from 'vitest';
import type { DocumentModel } from '../../src/sync/model.ts';
import { LARGEST_PAYLOAD, pageRoom, portion, weigh } from '../../src/sync/portion.ts';

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
    expect(pageRoom({ pagesInFlight })).toBeGreaterThanOrEqual(LARGEST_PAYLOAD);
    expect(pageRoom({ pagesInFlight }) * pagesInFlight).toBeLessThanOrEqual(32 * MEGABYTE);
  }
});
