import { describe, expect, it } from 'vitest';
import { createCsv, LINE_COLUMNS } from '../../../src/api/routes/documents/csv.ts';

const csv = createCsv([], LINE_COLUMNS, { delimiter: 'comma', decimal: 'point', bom: false });
/** The cell of a text in CSV, without the other columns and without quotation marks. */
const cell = (bcName: string) =>
  csv.rows([{ odooId: 1, fields: {}, bcOdooId: '', bcName, archivedAt: null }]).replace(/^,"?|"?,\r\n$/g, '');

describe('a text in CSV', () => {
  it.each([
    '=1+1',
    '+1',
    '-1',
    '@a',
    '\t=1',
    '\r=1',
    '\n=1',
    '\n',
    ' =1',
    '\u00a0+1',
    '\u200b-1',
    ' \u200b@a',
    '＝1',
  ])('gets an apostrophe if a spreadsheet may run it: %j', (text) => expect(cell(text)).toBe(`'${text}`));

  it.each(['a=1', ' a', 'first\n=1', '1 - 1', "'=1"])('stays as it is if not: %j', (text) => {
    expect(cell(text)).toBe(text);
  });
});
