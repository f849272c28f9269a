import { describe, expect, it } from 'vitest';
import type { Wire } from '../../../src/tryton/types.ts';
import { fromJson, parseWire, stringifyWire, toJson } from '../../../src/tryton/wire/json.ts';
import { randomOf, randomWire } from './random-wire.ts';

const nested = (levels: number) => '['.repeat(levels) + ']'.repeat(levels);

describe('numbers in answers', () => {
  it('beyond 2^53 keep every digit', () => {
    expect(parseWire('[9007199254740993, -12345678901234567890, {"a": 1000000000000000000000}]')).toEqual([
      9007199254740993n,
      -12345678901234567890n,
      { a: 10n ** 21n },
    ]);
  });

  it('up to 2^53 are numbers, as are all with a point or an exponent', () => {
    const text =
      '[9007199254740991, -1234567890123456, 9007199254740992.0, 1e+22, 0.1, 1e400, 1234567890123456e-3]';
    expect(parseWire(text)).toEqual([
      9007199254740991,
      -1234567890123456,
      9007199254740992,
      1e22,
      0.1,
      Number.POSITIVE_INFINITY,
      1234567890123.456,
    ]);
  });

  it('with many digits after the point are read like any other', () => {
    const text =
      '[0.30000000000000004,-1.12345678901234567890,12345678901234567890.5,1e-0000000000000000001,NaN]';
    expect(parseWire(text)).toEqual([0.1 + 0.2, -1.1234567890123457, 12345678901234567000, 0.1, Number.NaN]);
  });

  it('may be NaN or infinite, as Python writes them', () => {
    expect(parseWire('NaN')).toBeNaN();
    expect(parseWire('{"a":[NaN,-Infinity , Infinity]}')).toEqual({
      a: [Number.NaN, Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY],
    });
  });

  it('in text are text, whatever stands before them', () => {
    const texts = [
      'NaN',
      ', NaN ,',
      ': -Infinity',
      '12345678901234567890',
      '"12345678901234567890',
      '\\',
      '\\"[NaN',
    ];
    expect(parseWire(`[${JSON.stringify(texts)}, NaN, 12345678901234567890]`)).toEqual([
      texts,
      Number.NaN,
      12345678901234567890n,
    ]);
  });

  it('do not turn objects of data into numbers', () => {
    const text = '{"00000000-0000-4000-8000-000000000000":"NaN","":"12345678901234567890","a":NaN}';
    expect(parseWire(text)).toEqual({
      '00000000-0000-4000-8000-000000000000': 'NaN',
      '': '12345678901234567890',
      a: Number.NaN,
    });
  });

  it('are refused with more digits than Python takes, and cost no stack', () => {
    expect(parseWire(`[${'1'.repeat(4300)}]`)).toEqual([BigInt('1'.repeat(4300))]);
    for (const read of [parseWire, fromJson])
      for (const digits of [4301, 10_000_000])
        expect(() => read(`[-${'1'.repeat(digits)}]`)).toThrow(
          new SyntaxError('a whole number of 4300 digits or more'),
        );
    expect(parseWire(`["${'1'.repeat(10_000_000)}", NaN]`)).toHaveLength(2);
    expect(parseWire(`["${'\\"'.repeat(1_000_000)}", NaN]`)).toEqual(['"'.repeat(1_000_000), Number.NaN]);
  });
});

describe('answers', () => {
  it('may hold members named __proto__, which stay members', () => {
    for (const read of [parseWire, fromJson]) {
      const value = read('{"__proto__":{"polluted":12345678901234567890},"constructor":1}');
      expect(Object.getPrototypeOf(value)).toBe(Object.prototype);
      expect(Object.entries(value ?? {})).toEqual([
        ['__proto__', { polluted: 12345678901234567890n }],
        ['constructor', 1],
      ]);
    }
    expect('polluted' in {}).toBe(false);
  });

  it.each([
    ['nothing', ''],
    ['a web page', '<html>secret</html>'],
    ['a cut answer', '{"id":1,"result":["secret"'],
    ['a cut text', '["secret'],
    ['-NaN', '[-NaN]'],
    ['NaN as a name', '{NaN:"secret"}'],
    ['NaN beside a number', '[1 NaN]'],
    ['NaN in a word', '[NaNa]'],
    ['leading zeros', '[00000000000000012345]'],
    ['a plus', '[+12345678901234567890]'],
    ['an escape outside of a text', '[\\n, NaN]'],
    ['two values', '{"a":NaN}{"a":NaN}'],
  ])('that are no JSON are a SyntaxError that quotes nothing: %s', (_, text) => {
    let thrown: unknown;
    try {
      parseWire(text);
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toBeInstanceOf(SyntaxError);
    expect(thrown).toHaveProperty('message', 'not complete, valid JSON');
    expect(thrown).not.toHaveProperty('cause');
  });

  it('are read to a depth of 500, and refused beyond, without exhausting the stack', () => {
    expect(stringifyWire(parseWire(nested(500)))).toBe(nested(500));
    expect(() => parseWire(nested(501))).toThrow(new SyntaxError('nested deeper than 500 levels'));
    expect(() => parseWire(nested(100_000))).toThrow(SyntaxError);
    expect(() => parseWire(`${'{"a":'.repeat(100_000)}NaN${'}'.repeat(100_000)}`)).toThrow(SyntaxError);
    expect(() => parseWire('['.repeat(1_000_000))).toThrow(SyntaxError);
  });
});

describe('JSON of callers', () => {
  it('is strict: NaN and Infinity come as tagged objects', () => {
    expect(() => fromJson('[NaN]')).toThrow(SyntaxError);
    expect(() => fromJson('{"a":[-1e999]}')).toThrow(new SyntaxError('a number beyond the range of floats'));
    expect(() => fromJson('[12345678901234567890, -Infinity]')).toThrow(SyntaxError);
    const tags = ['NaN', 'Infinity', '-Infinity'].map((float) => ({ __class__: 'float', float }));
    expect(fromJson(JSON.stringify(tags))).toEqual([
      Number.NaN,
      Number.POSITIVE_INFINITY,
      Number.NEGATIVE_INFINITY,
    ]);
  });

  it('keeps whole numbers beyond 2^53', () => {
    expect(fromJson('{"params":[12345678901234567890]}')).toEqual({ params: [12345678901234567890n] });
  });

  it.each([
    { __class__: 'float', float: '1.5' },
    { __class__: 'float', float: 1.5 },
    { __class__: 'float', float: 'NaN', more: 1 },
    { __class__: 'Decimal', decimal: 'NaN' },
    { float: 'NaN', other: 'float' },
  ])('leaves other objects alone: %j', (value) => {
    expect(fromJson(JSON.stringify(value))).toEqual(value);
  });

  it('is read to a depth of 100', () => {
    expect(toJson(fromJson(nested(100)))).toBe(nested(100));
    expect(() => fromJson(nested(101))).toThrow(new SyntaxError('nested deeper than 100 levels'));
    expect(() => fromJson(nested(1_000_000))).toThrow(SyntaxError);
  });
});

describe('what is written', () => {
  it('for Tryton has the words of Python, for callers tagged objects', () => {
    const value = [Number.NaN, Number.NEGATIVE_INFINITY, 10n ** 20n, 'NaN'];
    expect(stringifyWire(value)).toBe('[NaN,-Infinity,100000000000000000000,"NaN"]');
    expect(toJson(value)).toBe(
      '[{"__class__":"float","float":"NaN"},{"__class__":"float","float":"-Infinity"},100000000000000000000,"NaN"]',
    );
  });

  it('keeps floats apart from whole numbers, and the negative zero', () => {
    expect(stringifyWire([2 ** 53, -(2 ** 60), -0, 1e21, 3])).toBe(
      '[9007199254740992.0,-1152921504606847000.0,-0.0,1e+21,3]',
    );
  });

  it('is never deeper than 1,000 levels', () => {
    let deep: Wire = [];
    for (let level = 0; level < 100_000; level++) deep = [deep];
    for (const write of [stringifyWire, toJson]) expect(() => write(deep)).toThrow('nested deeper than 1000');
  });

  it('is read back as it was, both ways, and the JSON for callers is strict', () => {
    const random = randomOf(20_261_121);
    for (let round = 0; round < 3000; round++) {
      const value = randomWire(random);
      expect(parseWire(stringifyWire(value))).toEqual(value);
      const json = toJson(value);
      expect(() => JSON.parse(json)).not.toThrow();
      expect(fromJson(json)).toEqual(value);
    }
  });
});
