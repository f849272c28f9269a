import { describe, expect, it } from 'vitest';
import { InvalidDocumentError, prepare } from '../../../src/sync/store/normalize.ts';

const prepared = (value: string) => prepare('x.bc', { id: 7, create_date: value, write_date: false }, {});

/** A real day is returned by a `Date` unchanged; 30 February becomes 1 or 2 March. */
function isInCalendar(date: string): boolean {
  const moment = new Date(`${date}T00:00:00Z`);
  return !Number.isNaN(moment.getTime()) && moment.toISOString().startsWith(date);
}

const two = (number: number) => String(number).padStart(2, '0');

describe('dates of a record', () => {
  it.each([1, 4, 100, 400, 1900, 2000, 2023, 2024, 9999])(
    'are those of the calendar in the year %i',
    (year) => {
      for (let month = 0; month <= 13; month++)
        for (let day = 0; day <= 32; day++) {
          const date = `${String(year).padStart(4, '0')}-${two(month)}-${two(day)}`;
          const text = `${date} 23:59:59`;
          if (isInCalendar(date)) expect(prepared(text).createDate).toBe(text);
          else expect(() => prepared(text), text).toThrow(InvalidDocumentError);
        }
    },
  );

  it.each([
    ...['0000-01-01 00:00:00', '2026-01-31 24:00:00', '2026-01-31 00:60:00', '2026-01-31 00:00:60'],
    ...[
      '2026-01-31',
      '2026-01-31T00:00:00',
      '2026-01-31 00:00:00Z',
      '2026-01-31 00:00:00\n',
      '12026-01-31 00:00:00',
    ],
    ...['2024-02-29 24:00:00', '0000-02-29 00:00:00', ' 2026-01-31 00:00:00', ''],
  ])('%j is none', (text) => {
    expect(() => prepared(text)).toThrow('x.bc 7: create_date is');
  });

  it('are null where Odoo has none', () => {
    expect(prepare('x.bc', { id: 7, create_date: null, write_date: false }, {})).toMatchObject({
      createDate: null,
      writeDate: null,
    });
  });
});
