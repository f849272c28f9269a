import { describe, expect, it } from 'vitest';
import { TrytonRequestError } from '../../../src/tryton/errors.ts';
import { decode, encode } from '../../../src/tryton/wire/codec.ts';
import { DateOnly, DateTime, Decimal, Timedelta, TimeOnly } from '../../../src/tryton/wire/values.ts';

class Invoice {
  readonly id = 1;
}

const itself: { lines: unknown[] } = { lines: [] };
itself.lines.push(itself);

const deep = (levels: number): unknown => (levels === 0 ? 1 : [deep(levels - 1)]);

describe('values to send', () => {
  it('may be plain, tagged already, or of the language: Date, bigint, NaN, infinities', () => {
    const tagged = { __class__: 'Decimal', decimal: '1.50' };
    const plain = Object.assign(Object.create(null), { name: 'a', nothing: null });
    expect(
      encode([tagged, plain, 12345678901234567890n, Number.NaN, new Date('2026-08-21T08:30:00.123Z')]),
    ).toEqual([
      tagged,
      { name: 'a', nothing: null },
      12345678901234567890n,
      Number.NaN,
      {
        __class__: 'datetime',
        year: 2026,
        month: 8,
        day: 21,
        hour: 8,
        minute: 30,
        second: 0,
        microsecond: 123_000,
      },
    ]);
  });

  it('lose members that are undefined, and keep one named __proto__', () => {
    const value: unknown = JSON.parse('{"__proto__":{"a":1},"b":null}');
    expect(Object.entries(encode({ ...Object(value), c: undefined }) ?? {})).toEqual([
      ['__proto__', { a: 1 }],
      ['b', null],
    ]);
    expect(Object.getPrototypeOf(decode(encode(value)))).toBe(Object.prototype);
  });

  it('may hold the same object twice, but not themselves', () => {
    const address = { city: 'Liège' };
    expect(encode([address, address])).toEqual([address, address]);
    expect(() => encode([itself])).toThrow(new TrytonRequestError('params[0].lines[0]: this holds itself'));
  });

  it.each<[unknown, string]>([
    [[undefined], 'params[0]: undefined cannot be sent. Expected null,'],
    [new Array(1), 'params[0]: undefined'],
    [[{ lines: [1, 2, { amount: () => 1 }] }], 'params[0].lines[2].amount: a function'],
    [[{ 'a b': Symbol('x') }], 'params[0]["a b"]: a symbol'],
    [[new Map([['a', 1]])], 'params[0]: an instance of Map'],
    [[new Set([1])], 'params[0]: an instance of Set'],
    [[new Invoice()], 'params[0]: an instance of Invoice'],
    [[Promise.resolve(1)], 'params[0]: an instance of Promise'],
    [[new Uint16Array(1)], 'params[0]: an instance of Uint16Array'],
    [[new Date(Number.NaN)], 'params[0]: no valid date'],
    [[{ on: new Date('+010000-01-01T00:00:00Z') }], 'params[0].on: no valid date'],
    [deep(501), 'params: nested deeper than 500 levels'],
    [deep(5000), 'params: nested deeper than 500 levels'],
  ])('are refused by their place where Tryton could not understand them: %#', (value, message) => {
    expect(() => encode(value)).toThrow(TrytonRequestError);
    expect(() => encode(value)).toThrow(message);
  });

  it('are named below the place that is given', () => {
    expect(() => encode({ a: undefined, b: [undefined] }, 'context')).toThrow('context.b[0]: undefined');
  });
});

describe('values', () => {
  it('refuse at once what Tryton would refuse', () => {
    const wrong = [
      () => new Decimal('1.5.0'),
      () => new Decimal('0x10'),
      () => new Decimal(''),
      () => new DateOnly(2026, 2, 29),
      () => new DateOnly(2026, 13, 1),
      () => new DateTime(10_000, 1, 1),
      () => new DateTime(2026, 1, 1, 24),
      () => new TimeOnly(0, 60),
      () => new TimeOnly(0, 0, 0, 1_000_000),
      () => new Timedelta(Number.POSITIVE_INFINITY),
    ];
    for (const make of wrong) expect(make).toThrow(TrytonRequestError);
  });

  it('read well in text and in JSON', () => {
    const moment = new DateTime(2026, 8, 21, 8, 30, 0, 1);
    expect(`${moment} ${new DateOnly(33, 1, 2)} ${new TimeOnly(1, 2)}`).toBe(
      '2026-08-21T08:30:00.000001 0033-01-02 01:02:00.000000',
    );
    expect(JSON.stringify([new Decimal('1.50'), moment, new Timedelta(90)])).toBe(
      '["1.50","2026-08-21T08:30:00.000001",90]',
    );
  });

  it('become what JavaScript has, with less precision', () => {
    expect(new DateTime(2026, 8, 21, 8, 30, 0, 123_999).toDate()).toEqual(
      new Date('2026-08-21T08:30:00.123Z'),
    );
    expect(new DateTime(33, 1, 2).toDate().getUTCFullYear()).toBe(33);
    expect(DateTime.from(new Date('2026-08-21T08:30:00.123Z'))).toEqual(
      new DateTime(2026, 8, 21, 8, 30, 0, 123_000),
    );
    const numbers = ['1.50', '1E-7', 'NaN', '-Infinity', '-inf'].map((text) => new Decimal(text).toNumber());
    expect(numbers).toEqual([1.5, 1e-7, Number.NaN, Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY]);
  });
});
