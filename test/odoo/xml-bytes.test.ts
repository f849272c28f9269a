import { describe, expect, it, onTestFinished } from 'vitest';
import { bytesOf } from '../../dev/sandbox-odoo/planted.ts';
import { unstorableIn } from '../../src/odoo/decoding/text.ts';
import { decodeXmlRpc } from '../../src/odoo/decoding/xmlrpc-decoder.ts';
import { createHttp } from '../../src/odoo/http.ts';
import { createXmlRpc } from '../../src/odoo/protocols/xmlrpc.ts';
import type { OdooValue } from '../../src/odoo/types.ts';
import { scriptedServer } from './scripted-server.ts';

const malformed = (reason: string) => new Error(reason);
const answer = (value: string) =>
  `<?xml version='1.0'?>\n<methodResponse>\n<params>\n<param>\n${value}\n</param>\n</params>\n</methodResponse>\n`;
const decode = (xml: string) => decodeXmlRpc(bytesOf(xml), malformed);
const valueIn = (value: string) => decode(answer(value));

describe('structs that are compared with the previous one', () => {
  const member = (name: string, value: string) =>
    `<member>\n<name>${name}</name>\n<value>${value}</value>\n</member>\n`;
  const struct = (...members: string[]) => `<value><struct>\n${members.join('')}</struct></value>\n`;
  const list = (...values: string[]) =>
    valueIn(`<value><array><data>\n${values.join('')}</data></array></value>`);
  const a = member('a', '<int>1</int>');
  const b = member('b', '<string>x</string>');

  it.each([
    [
      'the same again',
      [struct(a, b), struct(a, b)],
      [
        { a: 1, b: 'x' },
        { a: 1, b: 'x' },
      ],
    ],
    ['other values', [struct(a), struct(member('a', '<nil/>'))], [{ a: 1 }, { a: null }]],
    ['one member less', [struct(a, b), struct(a)], [{ a: 1, b: 'x' }, { a: 1 }]],
    ['one member more', [struct(a), struct(a, b)], [{ a: 1 }, { a: 1, b: 'x' }]],
    ['none', [struct(a), struct(), struct(a)], [{ a: 1 }, {}, { a: 1 }]],
    [
      'another name',
      [struct(a, b), struct(a, member('c', '<string>x</string>'))],
      [
        { a: 1, b: 'x' },
        { a: 1, c: 'x' },
      ],
    ],
    ['the same name twice', [struct(a, a), struct(a, a)], [{ a: 1 }, { a: 1 }]],
    ['another layout', [struct(a), struct(a.replaceAll('\n', ' '))], [{ a: 1 }, { a: 1 }]],
    [
      'a struct inside',
      [struct(a), struct(member('a', struct(b).slice(7, -9)))],
      [{ a: 1 }, { a: { b: 'x' } }],
    ],
  ])('%s', (_, structs, expected) => {
    expect(list(...structs)).toEqual({ value: expected });
  });

  it('keep their members in the order in which they were sent', () => {
    const { value } = list(struct(a, b), struct(b, a), struct(b, a)) as { value: object[] };
    expect(value.map(Object.keys)).toEqual([
      ['a', 'b'],
      ['b', 'a'],
      ['b', 'a'],
    ]);
  });

  it('keep a member called __proto__ a member', () => {
    const odd = struct(member('__proto__', '<int>1</int>'), b);
    const { value } = list(odd, odd.replace('>1<', '>2<'), odd.replace('>1<', '>3<')) as { value: object[] };
    expect(value.map(Object.values)).toEqual([
      [1, 'x'],
      [2, 'x'],
      [3, 'x'],
    ]);
  });

  it('do not share their lists', () => {
    const lists = struct(member('a', '<array><data>\n<value><int>1</int></value>\n</data></array>'));
    const { value } = list(lists, lists) as { value: { a: number[] }[] };
    value[0]?.a.push(2);
    expect(value[1]?.a).toEqual([1]);
  });

  it('are unstorable one by one where a name is not UTF-8', () => {
    const bad = struct(member('caf\udcff', '<int>1</int>'));
    const { value } = list(struct(a), bad, bad, struct(a)) as { value: OdooValue[] };
    expect(value.map((one) => unstorableIn({ id: 1, field: one })?.reason)).toEqual([
      undefined,
      'text with bytes that are not UTF-8',
      'text with bytes that are not UTF-8',
      undefined,
    ]);
  });

  it('may have a member in the short form, and are refused as before after it', () => {
    const empty = '<member><name>e</name><value/></member>\n';
    const first = struct(empty, a);
    expect(list(first, struct(a, empty), first)).toEqual({
      value: [
        { e: '', a: 1 },
        { a: 1, e: '' },
        { e: '', a: 1 },
      ],
    });
    expect(list(struct(a, empty), struct(a, empty))).toHaveProperty('value.1.e', '');
    expect(() => list(first, first.replace(`\n${empty}`, '</member>\n'))).toThrow(
      '</member> where <member> belongs',
    );
  });

  it.each([
    ['a name that is not closed', a.replace('</name>', '')],
    ['a value that is not closed', a.replace('</value>', '')],
    ['text between members', `${a}x`],
    ['a member that is not closed', a.replace('</member>', '')],
  ])('are refused with %s, as the first is', (_, broken) => {
    expect(() => list(struct(broken))).toThrow('the XML has');
    expect(() => list(struct(a), struct(broken))).toThrow('the XML has');
  });
});

describe('bytes', () => {
  it('of text in many languages are read, the mark before them is not', () => {
    const text = 'é œ 🙂 中 \u00a0';
    expect(decode(`\ufeff${answer(`<value><string>${text}</string></value>`)}`)).toEqual({ value: text });
    expect(valueIn(`<value>${text}&amp;</value>`)).toEqual({ value: `${text}&` });
  });

  it.each(['', '\ufeff', '\n'.repeat(100)])('may come after %j in an answer by HTTP', async (before) => {
    const body = `${before}<methodResponse><params><param><value>7</value></param></params></methodResponse>`;
    const { url } = await scriptedServer(() => ({ headers: { 'content-type': 'text/xml' }, body }));
    const http = createHttp(url, { timeoutMs: 10_000, connections: 1, maxAnswerBytes: 1000 });
    onTestFinished(() => http.close());
    const odoo = createXmlRpc(http, { target: url, db: 'prod', user: 'bot', password: 'secret' });
    const call = { model: 'x.bc', method: 'search_count', named: { domain: [] }, context: {} } as const;
    await expect(odoo.call(2, call)).resolves.toBe('7');
  });

  it('that are not UTF-8 spoil no text but their own', () => {
    const list = '<value><array><data><value>caf\udcff</value><value>é</value></data></array></value>';
    expect(valueIn(list)).toHaveProperty('value.1', 'é');
  });

  it('of control characters are removed wherever they stand', () => {
    const odd = '<val\u0001ue><in\u0002t>\u00031\u00042\u0005</int>\u0006</value\u0007>';
    expect(valueIn(odd)).toEqual({ value: 12 });
    expect(valueIn('<value><string>a\u0001b</string></value>')).toEqual({ value: 'ab' });
  });
});

describe('numbers', () => {
  it('are what JavaScript makes of the same digits', () => {
    const random = (digits: number) => String(Math.random()).slice(2, 2 + digits);
    for (let round = 0; round < 3000; round++) {
      const text = `${round % 2 ? '-' : ''}${random(round % 17)}.${random(1 + (round % 16))}`;
      expect(valueIn(`<value><double>${text}</double></value>`)).toEqual({ value: Number(text) });
    }
  });

  it.each(['-0', '-0.0', '000', '0.1', '123456789012345', '1234567890123456', '.5', '-5.', '1e-7', ' 7 '])(
    '%j',
    (text) => {
      expect(valueIn(`<value><double>${text}</double></value>`)).toEqual({ value: Number(text) });
    },
  );

  it.each(['', '-', '.', '-.', '1.2.3', '--1', '1-', '+-1'])('%j is none', (text) => {
    expect(() => valueIn(`<value><double>${text}</double></value>`)).toThrow('not a number');
  });
});
