import { describe, expect, it } from 'vitest';
import { parseJson } from '../../src/odoo/decoding/json-decoder.ts';
import { unstorableIn } from '../../src/odoo/decoding/text.ts';

const parse = (body: string) => parseJson(body, (reason) => new Error(reason));

describe('text in JSON answers', () => {
  it('loses the control characters that XML-RPC loses, and no other', () => {
    const every = Array.from({ length: 32 }, (_, code) => String.fromCharCode(code)).join('');
    expect(parse(JSON.stringify([`<${every}>\u007f\ufffe`]))).toEqual(['<\t\n\r>\u007f\ufffe']);
    expect(parse('["\\u000B\\u001F\\u0009\\b\\f\\r"]')).toEqual(['\t\r']);
  });

  it('keeps a backslash that stands before what looks like an escape', () => {
    const texts = ['C:\\u0001', 'C:\\\\u0001', '\\b', 'a\\"\\'];
    expect(parse(JSON.stringify(texts))).toEqual(texts);
  });

  it('keeps escaped pairs, as Odoo 14 sends emoji, and replaces lone halves', () => {
    expect(parse('["\\ud83d\\ude42 \\uD83D\\uDE42"]')).toEqual(['🙂 🙂']);
    expect(parse('["a\\ud83d", "\\ude42b", "\\ud83d\\ud83d\\ude42"]')).toEqual([
      'a\ufffd',
      '\ufffdb',
      '\ufffd🙂',
    ]);
  });

  it('are not misled by a backslash before the escape of a half', () => {
    expect(parse('["\\\\ud83d\\ude42"]')).toEqual(['\\ud83d\ufffd']);
    expect(parse('["\\ud83d\\\\ude42"]')).toEqual(['\ufffd\\ude42']);
    expect(parse('["\\ud83d\\ude42\\ude42"]')).toEqual(['🙂\ufffd']);
    expect(parse('["\\\\\\ud83d\\ude42"]')).toEqual(['\\🙂']);
  });

  it('is marked where it was sent with bytes that are not UTF-8, also in a name, also behind a removed escape', () => {
    const reason = 'text with bytes that are not UTF-8';
    for (const body of ['["a", "caf\udcff"]', '[{"caf\udcff": 1}]', '["\\u\\u0001dcff"]'])
      expect(unstorableIn({ id: 1, field: parse(body) }), body).toEqual({ field: 'field', reason });
  });

  it('cleans names of members too', () => {
    expect(parse('{"a\\u0001b": "\\u0002"}')).toEqual({ ab: '' });
  });
});

describe('numbers in JSON answers', () => {
  it('are kept as they are while a double can hold them', () => {
    expect(parse('[9007199254740991, 1.2345678901234567e+19, -0.1]')).toEqual([
      9_007_199_254_740_991, 1.2345678901234567e19, -0.1,
    ]);
  });

  it.each([
    ['[9007199254740993]', ['9007199254740993']],
    ['{"a": -12345678901234567890}', { a: '-12345678901234567890' }],
  ])('beyond 2^53 are marked where they stand, digits and all: %s', (body, digits) => {
    const expected = JSON.stringify(digits).replace(/"(-?\d+)"/, (_, text) =>
      JSON.stringify({ unstorable: `the integer ${text}, which is beyond 2^53` }),
    );
    expect(JSON.stringify(parse(body))).toBe(expected);
    expect(unstorableIn({ id: 1, field: parse(body) })?.field).toBe('field');
  });

  it('long digits inside text are no numbers', () => {
    expect(parse('["12345678901234567890", "a\\"12345678901234567890"]')).toHaveLength(2);
  });

  it.each(['[NaN]', '{"a": NaN}', '[1, -Infinity]', '{"a":Infinity}', 'NaN'])(
    'NaN and Infinity are marked where they stand: %s',
    (body) => {
      const found = unstorableIn({ id: 1, field: parse(`[${body}]`) });
      expect(found).toEqual({ field: 'field', reason: 'a number that is NaN or infinite' });
    },
  );

  it('leaves the other values of the answer as they are', () => {
    expect(parse('[{"a": NaN, "b": "NaN, Infinity", "c": -0.5}]')).toMatchObject([
      { b: 'NaN, Infinity', c: -0.5 },
    ]);
  });
});

describe('names and depth in JSON answers', () => {
  it('a member named __proto__ is a member like any other', () => {
    const parsed = parse('{"__proto__": NaN, "constructor": {"__proto__": 1}}');
    expect(Object.keys(Object(parsed))).toEqual(['__proto__', 'constructor']);
    expect(JSON.stringify(parsed)).toContain('"constructor":{"__proto__":1}');
  });

  it.each([198, 199, 200, 201])('lists that nest %i deep are kept up to the limit', (depth) => {
    const value = parse(`[${'{"a":'.repeat(depth - 1)}1${'}'.repeat(depth - 1)}]`);
    expect(unstorableIn({ id: 1, field: value }) === null).toBe(depth <= 200);
  });

  it('what nests too deep is marked, and keeps no stack busy', () => {
    const deep = `${'['.repeat(100_000)}${']'.repeat(100_000)}`;
    expect(unstorableIn({ id: 1, field: parse(`[${deep}]`) })?.reason).toContain('nests deeper than 200');
  });

  it('a text of 20 MB full of escapes is read', () => {
    const text = '\\"é'.repeat(5_000_000);
    expect(parse(`[${JSON.stringify(text)}, 1234567890123456]`)).toEqual([text, 1_234_567_890_123_456]);
  });
});

describe('answers that are not JSON', () => {
  it.each(['', '{"a": 1', '[1,]', '<html>', '["NaN"'])('%j is refused', (body) => {
    expect(() => parse(body)).toThrow('not complete JSON');
  });
});
