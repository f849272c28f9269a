import { expect, test } from 'vitest';
import { indented } from '../../../src/cli/commands/tryton.ts';

test.each<[string, unknown]>([
  ['nothing', null],
  ['objects and lists in one another', { a: [1, { b: [] }, [[2]]], c: {}, d: { e: null } }],
  ['texts that look like JSON', { 'a:{': ['"{[', ',:}]', '\\', '\\"', '{}', '[ ]', 'l\nm'] }],
])('%s is indented as JSON.stringify does it', (_, value) => {
  expect(indented(JSON.stringify(value))).toBe(JSON.stringify(value, null, 2));
});

test('numbers keep their digits, and empty values stay on their line', () => {
  expect(indented('{"a":1.10,"b":12345678901234567890,"c":{ },"d":[\n]}')).toBe(
    '{\n  "a": 1.10,\n  "b": 12345678901234567890,\n  "c": { },\n  "d": [\n]\n}',
  );
});

test.each([
  ['of 20 MB', 'x'.repeat(20_000_000)],
  ['of 10 million escapes', '"'.repeat(10_000_000)],
])('a text %s is left as it is', (_, text) => {
  const json = JSON.stringify(text);
  // Not by toBe: a difference would be shown, all of it.
  expect(indented(`[${json}]`) === `[\n  ${json}\n]`).toBe(true);
});
