import { describe, expect, it } from 'vitest';
import { parseJson } from '../../src/odoo/json.ts';

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

  it.each(['[9007199254740993]', '{"a": -12345678901234567890}'])('beyond 2^53 are refused: %s', (body) => {
    expect(() => parse(body)).toThrow('beyond 2^53');
  });

  it('long digits inside text are no numbers', () => {
    expect(parse('["12345678901234567890", "a\\"12345678901234567890"]')).toHaveLength(2);
  });

  it.each(['[NaN]', '{"a": NaN}', '[1, -Infinity]', '{"a":Infinity}'])(
    'NaN and Infinity are named: %s',
    (body) => {
      expect(() => parse(body)).toThrow('NaN or infinite');
    },
  );
});

describe('answers that are not JSON', () => {
  it.each(['', '{"a": 1', '[1,]', '<html>', '["NaN"'])('%j is refused', (body) => {
    expect(() => parse(body)).toThrow('not complete JSON');
  });
});
