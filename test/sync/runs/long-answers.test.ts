import { expect, test } from 'vitest';
import { allHeaders, readable } from '../../../src/sync/planning/id-sources.ts';
import type { DocumentModel } from '../../../src/sync/types.ts';
import { fakeSource } from '../../support/source.ts';

/** More than a call can have arguments, as from a server that ignores `limit`. */
const IDS = Array.from({ length: 200_000 }, (_, at) => at + 1);
const model = (name: string) => ({ name, fields: {}, requested: [], binaries: [] });
const MODEL: DocumentModel = { header: model('bc'), line: model('line'), linesField: 'lines', inverse: 'bc' };

const source = fakeSource({
  ids: async (_, { after }) => (after === 0 ? IDS : []),
  read: async () => IDS.map((id) => ({ id })),
});

test('a slice of any length is listed', async () => {
  const slices: number[][] = [];
  for await (const slice of allHeaders(source, MODEL)) slices.push(slice);
  expect(slices.map(({ length }) => length)).toEqual([IDS.length]);
});

test('records of any number are read', async () => {
  expect(await readable(source, 'bc', IDS, ['name'])).toHaveLength(IDS.length);
});
