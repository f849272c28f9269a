import { expect, test } from 'vitest';
import { OdooApplicationError } from '../../../src/odoo/errors.ts';
import type { OdooRecord } from '../../../src/odoo/types.ts';
import { NONE_MISSING } from '../../../src/sync/fetch/missing-lines.ts';
import { readDocuments } from '../../../src/sync/fetch/read-documents.ts';
import type { Source } from '../../../src/sync/source/source.ts';
import type { DocumentModel } from '../../../src/sync/types.ts';
import { fakeSource } from '../../support/source.ts';

const part = (name: string) => ({ name, fields: {}, requested: ['id'], binaries: [] });
const MODEL: DocumentModel = {
  header: part('bc'),
  line: part('line'),
  linesField: 'lines',
  inverse: 'bc_id',
};
const blame = () => ({
  mayBlame: () => true,
  probe: async () => true,
  tally: { read: 0, refused: 0 },
});

type Answers = Pick<Source, 'read' | 'list'>;

/** A source of which nothing but reads of headers and lines are asked. */
const answering = (answers: Answers, asked: string[]): Source =>
  fakeSource({
    read: (model, ids, fields) => {
      asked.push(`headers ${ids.join(' ')}`);
      return answers.read(model, ids, fields);
    },
    list: (model, selection, fields) => {
      asked.push('lines');
      return answers.list(model, selection, fields);
    },
  });

const refusal = () => new OdooApplicationError({ target: 'nowhere', call: 'bc.read', user: 'nobody' }, 'no');
const header = (id: number, ...lines: number[]): OdooRecord => ({ id, lines });
const line = (id: number, bc: number): OdooRecord => ({ id, bc_id: [bc, 'BC'] });

test('headers and lines are asked for together, and lines of a header that vanished meanwhile are left out', async () => {
  const asked: string[] = [];
  let answer: (headers: OdooRecord[]) => void = () => {};
  const headers = new Promise<OdooRecord[]>((resolve) => {
    answer = resolve;
  });
  const source = answering(
    { read: () => headers, list: async () => [line(10, 1), line(11, 2), line(12, 1)] },
    asked,
  );
  const reading = readDocuments(source, MODEL, [1, 2], blame(), async () => []);
  expect(asked).toEqual(['headers 1 2', 'lines']);
  answer([header(1, 10, 12)]);
  expect(await reading).toEqual({
    documents: [{ header: header(1, 10, 12), lines: [line(10, 1), line(12, 1)], missing: NONE_MISSING }],
    missing: [2],
    refused: [],
    unsettled: [],
  });
});

/** What Odoo answers when the lines of a BC are not there: its list, as of before and of now. */
const lineless = (lists: (OdooRecord | null)[], found: readonly OdooRecord[] = []) => {
  const asked: string[] = [];
  const source = answering(
    {
      read: async () => lists.splice(0, 1).filter((one) => one !== null),
      list: async (_model, { after }) => (after === 0 ? [...found] : []),
    },
    asked,
  );
  return { asked, reading: readDocuments(source, MODEL, [1], blame(), async () => []) };
};
const TWICE = ['headers 1', 'lines', 'headers 1'];

test('a header that was deleted before its lines were answered is missing, and not a BC without lines', async () => {
  const { asked, reading } = lineless([header(1, 10, 11), null]);
  expect(await reading).toEqual({ documents: [], missing: [1], refused: [], unsettled: [] });
  expect(asked).toEqual(TWICE);
});

test('a BC that lost a line before its lines were answered is to be read again', async () => {
  const { asked, reading } = lineless([header(1, 10, 11), header(1, 10)], [line(10, 1)]);
  expect(await reading).toEqual({ documents: [], missing: [], refused: [], unsettled: [1] });
  expect(asked).toEqual(['headers 1', 'lines', 'lines', 'headers 1']);
});

test('a line that its header still names is hidden by a rule: the BC is stored with its visible lines', async () => {
  const { asked, reading } = lineless([header(1, 10, 11), header(1, 10, 11)], []);
  const documents = [{ header: header(1, 10, 11), lines: [], missing: NONE_MISSING }];
  expect(await reading).toEqual({ documents, missing: [], refused: [], unsettled: [] });
  expect(asked).toEqual(TWICE);
});

test('a header that lists no line but those found is asked for once', async () => {
  const { asked, reading } = lineless([header(1, 10)], [line(10, 1), line(11, 1)]);
  expect((await reading).documents).toHaveLength(1);
  expect(asked).toEqual(['headers 1', 'lines']);
});

test('of a page that is refused, lines are asked for only where the headers can be read', async () => {
  const asked: string[] = [];
  const source = answering(
    {
      read: async (_model, ids) => {
        if (ids.includes(3)) throw refusal();
        return ids.map((id) => header(id));
      },
      list: async () => [],
    },
    asked,
  );
  const { documents, refused } = await readDocuments(source, MODEL, [1, 2, 3, 4], blame(), async () => []);
  expect([documents.map((document) => document.header.id), refused]).toEqual([[1, 2, 4], [3]]);
  expect(asked).toEqual([
    ...['headers 1 2 3 4', 'lines', 'headers 1 2', 'lines'],
    ...['headers 3 4', 'headers 3', 'headers 4', 'lines'],
  ]);
});

test('an error is acted upon when the other reading has ended too, and both may fail', async () => {
  const asked: string[] = [];
  let fail: (error: Error) => void = () => {};
  const lines = new Promise<OdooRecord[]>((_, reject) => {
    fail = reject;
  });
  const source = answering({ read: () => Promise.reject(refusal()), list: () => lines }, asked);
  let over = false;
  const reading = readDocuments(source, MODEL, [1], { ...blame(), mayBlame: () => false }, async () => []);
  reading.catch(() => {
    over = true;
  });
  await new Promise((resolve) => setImmediate(resolve));
  expect(over).toBe(false);
  fail(new Error('lines'));
  await expect(reading).rejects.toThrow(OdooApplicationError);
});
