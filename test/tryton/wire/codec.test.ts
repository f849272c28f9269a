import { describe, expect, it } from 'vitest';
import type { Wire } from '../../../src/tryton/types.ts';
import { decode, encode } from '../../../src/tryton/wire/codec.ts';
import { parseWire, stringifyWire } from '../../../src/tryton/wire/json.ts';
import { DateOnly, DateTime, Decimal, Timedelta, TimeOnly } from '../../../src/tryton/wire/values.ts';
import { randomOf, randomWire } from './random-wire.ts';

const everyByte = Uint8Array.from({ length: 256 }, (_, byte) => byte);

/** Answers as real servers sent them: what `decode` must give, and `encode` must give back letter for letter. */
const REAL: readonly [string, string, unknown][] = [
  [
    'a currency of 7.0',
    '[{"create_date":{"__class__":"datetime","year":2026,"month":11,"day":21,"hour":8,"minute":13,"second":21,"microsecond":618706},"rounding":{"__class__":"Decimal","decimal":"5"},"code":"T","id":1,"rates":[]}]',
    [
      {
        create_date: new DateTime(2026, 11, 21, 8, 13, 21, 618_706),
        rounding: new Decimal('5'),
        code: 'T',
        id: 1,
        rates: [],
      },
    ],
  ],
  [
    'a currency of 6.0 with a rate',
    '[{"write_date":null,"rounding":{"__class__":"Decimal","decimal":"0.010"},"id":4,"rates":[6],"rate":{"__class__":"Decimal","decimal":"1.123450"}}]',
    [
      {
        write_date: null,
        rounding: new Decimal('0.010'),
        id: 4,
        rates: [6],
        rate: new Decimal('1.123450'),
      },
    ],
  ],
  [
    'a rate of 5.0',
    '[{"rate":{"__class__":"Decimal","decimal":"1.123450"},"date":{"__class__":"date","year":2026,"month":2,"day":28},"id":7}]',
    [{ rate: new Decimal('1.123450'), date: new DateOnly(2026, 2, 28), id: 7 }],
  ],
  [
    'an attachment, the same on 5.0, 6.0 and 7.0',
    '[{"data":{"__class__":"bytes","base64":"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLS4vMDEyMzQ1Njc4\\nOTo7PD0+P0BBQkNERUZHSElKS0xNTk9QUVJTVFVWV1hZWltcXV5fYGFiY2RlZmdoaWprbG1ub3Bx\\ncnN0dXZ3eHl6e3x9fn+AgYKDhIWGh4iJiouMjY6PkJGSk5SVlpeYmZqbnJ2en6ChoqOkpaanqKmq\\nq6ytrq+wsbKztLW2t7i5uru8vb6/wMHCw8TFxsfIycrLzM3Oz9DR0tPU1dbX2Nna29zd3t/g4eLj\\n5OXm5+jp6uvs7e7v8PHy8/T19vf4+fr7/P3+/w==\\n"},"id":3}]',
    [{ data: everyByte, id: 3 }],
  ],
  [
    'states of a field, a PYSON text with a tag inside',
    '{"lang":{"context":"{}","states":"{\\"readonly\\": {\\"__class__\\": \\"Not\\", \\"v\\": {\\"__class__\\": \\"Eval\\", \\"v\\": \\"active\\", \\"d\\": true}}}"}}',
    {
      lang: {
        context: '{}',
        states: '{"readonly": {"__class__": "Not", "v": {"__class__": "Eval", "v": "active", "d": true}}}',
      },
    },
  ],
];

describe('answers of real servers', () => {
  it.each(REAL)('%s', (_, text, value) => {
    expect(decode(parseWire(text))).toEqual(value);
    expect(stringifyWire(encode(value))).toBe(text);
  });
});

describe('tagged values', () => {
  it.each([
    '1.50',
    '1E-7',
    '-0.0',
    'NaN',
    'sNaN',
    '-Infinity',
    '0E+3',
    '123456789012345678901234567890.123456789',
  ])('Decimal keeps its digits: %s', (decimal) => {
    const wire = { __class__: 'Decimal', decimal };
    expect(decode(wire)).toEqual(new Decimal(decimal));
    expect(encode(decode(wire))).toEqual(wire);
  });

  it.each([
    ['datetime', { year: 1, month: 1, day: 1, hour: 0, minute: 0, second: 0, microsecond: 0 }],
    ['datetime', { year: 9999, month: 12, day: 31, hour: 23, minute: 59, second: 59, microsecond: 999_999 }],
    ['date', { year: 2024, month: 2, day: 29 }],
    ['time', { hour: 23, minute: 0, second: 7, microsecond: 1 }],
    ['timedelta', { seconds: -86_399.000001 }],
    ['timedelta', { seconds: 0 }],
  ])('%s survives both ways: %j', (tag, members) => {
    const wire = { __class__: tag, ...members };
    expect(decode(wire)).not.toEqual(wire);
    expect(encode(decode(wire))).toEqual(wire);
  });

  it('bytes are read with newlines anywhere or none, and written as Python writes them', () => {
    const read = (base64: string) => decode({ __class__: 'bytes', base64 });
    const short = Uint8Array.from(Buffer.from('hello'));
    for (const base64 of ['aGVsbG8=', 'aGVsbG8=\n', 'aGVs\r\nbG8=', '\naGVsbG8=\n\n'])
      expect(read(base64)).toEqual(short);
    expect(encode(short)).toEqual({ __class__: 'bytes', base64: 'aGVsbG8=\n' });
    expect(encode(new Uint8Array(57))).toEqual({ __class__: 'bytes', base64: `${'A'.repeat(76)}\n` });
    expect(encode(new Uint8Array(58))).toEqual({ __class__: 'bytes', base64: `${'A'.repeat(76)}\nAA==\n` });
    expect(encode(new Uint8Array())).toEqual({ __class__: 'bytes', base64: '' });
    expect(read('')).toEqual(new Uint8Array());
    expect(encode(everyByte.subarray(250))).toEqual({ __class__: 'bytes', base64: '+vv8/f7/\n' });
    expect(encode(Buffer.from('hello'))).toEqual(encode(short));
  });

  it.each<Wire>([
    { __class__: 'datetime', month: 1, day: 1, hour: 0, minute: 0, second: 0, microsecond: 0 },
    { __class__: 'date', year: 2026, month: 2, day: 29 },
    { __class__: 'date', year: 2026, month: '2', day: 1 },
    { __class__: 'date', year: 0, month: 1, day: 1 },
    { __class__: 'date', year: 2026, month: 1, day: 1, more: 1 },
    { __class__: 'time', hour: 24, minute: 0, second: 0, microsecond: 0 },
    { __class__: 'time', hour: 1, minute: 0, second: 0, microsecond: 0.5 },
    { __class__: 'Decimal', decimal: 1.5 },
    { __class__: 'Decimal', decimal: '1,5' },
    { __class__: 'Decimal' },
    { __class__: 'bytes', base64: 'not base64!' },
    { __class__: 'bytes', base64: null },
    { __class__: 'timedelta', seconds: Number.NaN },
    { __class__: 'timedelta', seconds: 12345678901234567890n },
    { __class__: 'Eval', v: 'active', d: true },
    { __class__: null, decimal: '1' },
    { __class__: ['Decimal'], decimal: '1' },
  ])('that make no value stay as they are: %o', (wire) => {
    expect(decode(wire)).toEqual(wire);
    expect(encode(wire)).toEqual(wire);
  });

  it('of every kind are returned unchanged, wherever they are', () => {
    const random = randomOf(3);
    const text = () => Array.from({ length: 1 + random.whole(30) }, () => random.whole(10)).join('');
    const date = () => [1 + random.whole(9999), 1 + random.whole(12), 1 + random.whole(28)] as const;
    const time = () =>
      [random.whole(24), random.whole(60), random.whole(60), random.whole(1_000_000)] as const;
    const make: readonly (() => unknown)[] = [
      () => new Decimal(`${random.one(['', '-'])}${text()}${random.one(['', '.', `.${text()}`, 'E-9'])}`),
      () => new DateTime(...date(), ...time()),
      () => new DateOnly(...date()),
      () => new TimeOnly(...time()),
      () => new Timedelta((random.whole(2 ** 31) - 2 ** 30) / 1_000_000),
      () => Uint8Array.from({ length: random.whole(300) }, () => random.whole(256)),
    ];
    for (let round = 0; round < 2000; round++) {
      const value = { a: [random.one(make)(), { b: random.one(make)() }], c: decode(randomWire(random)) };
      expect(decode(parseWire(stringifyWire(encode(value))))).toEqual(value);
    }
  });
});
