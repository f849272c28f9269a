import { describe, expect, it } from 'vitest';
import { bytesOf } from '../../dev/sandbox-odoo/planted.ts';
import { unstorableIn } from '../../src/odoo/decoding/text.ts';
import { decodeXmlRpc } from '../../src/odoo/decoding/xmlrpc-decoder.ts';

const malformed = (reason: string) => new Error(reason);
const answer = (value: string) =>
  `<?xml version='1.0'?>\n<methodResponse>\n<params>\n<param>\n${value}\n</param>\n</params>\n</methodResponse>\n`;
const decode = (xml: string) => decodeXmlRpc(bytesOf(xml), malformed);
const valueIn = (value: string) => decode(answer(value));

describe('values', () => {
  it.each([
    ['<value><int>-7</int></value>', -7],
    ['<value><i4>+7</i4></value>', 7],
    ['<value><i8>9007199254740991</i8></value>', 9_007_199_254_740_991],
    ['<value><double>1e+16</double></value>', 1e16],
    ['<value><double>-0.1</double></value>', -0.1],
    ['<value><double>3.</double></value>', 3],
    ['<value><boolean>1</boolean></value>', true],
    ['<value><boolean>0</boolean></value>', false],
    ['<value><nil/></value>', null],
    ['<value><string></string></value>', ''],
    ['<value><string/></value>', ''],
    ['<value/>', ''],
    ['<value></value>', ''],
    ['<value>untyped &amp; text</value>', 'untyped & text'],
    ['<value><string>  kept  </string></value>', '  kept  '],
    ['<value><base64>\naGVs\nbG8=\n</base64></value>', 'aGVsbG8='],
    ['<value><dateTime.iso8601>20260131T08:00:01</dateTime.iso8601></value>', '2026-01-31 08:00:01'],
    ['<value><array><data></data></array></value>', []],
    ['<value><array><data/></array></value>', []],
    ['<value><struct></struct></value>', {}],
  ])('%s', (xml, expected) => {
    expect(valueIn(xml)).toEqual({ value: expected });
  });

  it('nests lists and structs as Odoo lays them out', () => {
    const record =
      '<value><array><data>\n<value><struct>\n<member>\n<name>id</name>\n<value><int>1</int></value>\n</member>\n' +
      '<member>\n<name>partner_id</name>\n<value><array><data>\n<value><int>5</int></value>\n' +
      '<value><string>A &lt; B</string></value>\n</data></array></value>\n</member>\n</struct></value>\n</data></array></value>';
    expect(valueIn(record)).toEqual({ value: [{ id: 1, partner_id: [5, 'A < B'] }] });
  });

  it('keeps a member called __proto__ a member', () => {
    const struct = '<value><struct><member><name>__proto__</name><value>x</value></member></struct></value>';
    const { value } = valueIn(struct) as { value: object };
    expect(Object.keys(value)).toEqual(['__proto__']);
  });
});

describe('text', () => {
  it.each([
    ['&lt;p&gt;a &amp;amp; b&lt;/p&gt;', '<p>a &amp; b</p>'],
    ['&quot;&apos;&#233;&#x1F642;', '"\'é🙂'],
    ['a\r\nb\rc\td\n', 'a\r\nb\rc\td\n'],
    ['\u0000a\u0001b\u000bc\u001fd&#31;e\u007f', 'abcde\u007f'],
    ['\ufffe\uffff]]>', '\ufffe\uffff]]>'],
  ])('%j', (sent, expected) => {
    expect(valueIn(`<value><string>${sent}</string></value>`)).toEqual({ value: expected });
  });
});

describe('faults', () => {
  it('differ from values', () => {
    const fault =
      '<value><struct><member><name>faultCode</name><value><int>3</int></value></member>' +
      '<member><name>faultString</name><value><string>Access Denied</string></value></member></struct></value>';
    const xml = `<methodResponse><fault>${fault}</fault></methodResponse>`;
    expect(decode(xml)).toEqual({ fault: { faultCode: 3, faultString: 'Access Denied' } });
  });
});

describe('refusals', () => {
  it.each([
    ['<value><int>1.5</int></value>', 'not an integer'],
    ['<value><int></int></value>', 'not an integer'],
    ['<value><double>0x10</double></value>', 'not a number'],
    ['<value><double> </double></value>', 'not a number'],
    ['<value><boolean>true</boolean></value>', 'not a boolean'],
    ['<value><dateTime.iso8601>yesterday</dateTime.iso8601></value>', 'not a date'],
    ['<value><float>1</float></value>', 'unknown type <float>'],
    ['<value><constructor>1</constructor></value>', 'unknown type <constructor>'],
    ['<value><string>&nbsp;</string></value>', 'unknown entity'],
    ['<value><string>a & b</string></value>', 'unknown entity'],
    ['<value><string>&#x110000;</string></value>', 'unknown entity'],
    ['<value><string>a<b></string></value>', '<b> where </string> belongs'],
    ['<value><string>a</int></value>', '</int> where </string> belongs'],
    ['<value>text<int>1</int></value>', 'beside a typed value'],
    ['<value><int>1</int><int>2</int></value>', '<int> where </value> belongs'],
    ['<value><array><value/></array></value>', '<value/> where <data> belongs'],
    ['<value><array><data>x</data></array></value>', 'text between tags'],
    ['<value><struct><name>a</name></struct></value>', '<name> where <member> belongs'],
    ['<value><struct><member><value/></member></struct></value>', '<value/> where <name> belongs'],
    ['<value><string><![CDATA[x]]></string></value>', 'where </string> belongs'],
    ['<value><int/></value>', '<int/> where <value type> belongs'],
    ['<int>1</int>', '<int> where <value> belongs'],
  ])('%s', (xml, reason) => {
    expect(() => valueIn(xml)).toThrow(reason);
  });

  it.each([
    ['nothing', ''],
    ['another document', '<html><body>hello</body></html>'],
    ['a call', '<methodCall><methodName>x</methodName></methodCall>'],
    ['a doctype', '<!DOCTYPE x [<!ENTITY a "b">]><methodResponse></methodResponse>'],
    ['no parameters', '<methodResponse></methodResponse>'],
    ['something after the end', `${answer('<value/>')}<more/>`],
  ])('%s', (_, xml) => {
    expect(() => decode(xml)).toThrow('the XML');
  });

  it('an answer cut off anywhere', () => {
    const whole = answer(
      '<value><array><data><value><string>a&amp;b</string></value></data></array></value>',
    ).trim();
    for (let length = 0; length < whole.length; length++)
      expect(() => decode(whole.slice(0, length)), `cut at ${length}`).toThrow('the XML');
  });

  it('values nested without end', () => {
    const deep = '<value><array><data>'.repeat(100_000);
    expect(() => decode(`<methodResponse><params><param>${deep}`)).toThrow('cut off');
  });
});

describe('what the mirror cannot hold is marked where it stands', () => {
  const nested = `${'<value><array><data>'.repeat(5000)}${'</data></array></value>'.repeat(5000)}`;
  it.each([
    ['<i8>9007199254740993</i8>', 'the integer 9007199254740993, which is beyond 2^53'],
    ['<double>nan</double>', 'a number that is NaN or infinite'],
    ['<double>-inf</double>', 'a number that is NaN or infinite'],
    ['<string>caf\udcff</string>', 'text with bytes that are not UTF-8'],
    [`<array><data>${nested}</data></array>`, 'a value that nests deeper than 200 levels'],
  ])('case %#', (xml, reason) => {
    const list = `<array><data><value>${xml}</value><value><int>7</int></value></data></array>`;
    const value = valueIn(`<value>${list}</value>`);
    expect(unstorableIn({ id: 1, field: value })).toEqual({ field: 'field', reason });
    expect(value).toHaveProperty('value.1', 7);
  });
});
