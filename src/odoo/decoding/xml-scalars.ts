import { isRemovedControl, NOT_FINITE, textValue, tooLong, Unstorable } from './text.ts';
import { literal, type Malformed, type XmlBytes } from './xml-reader.ts';

type Codec = (text: string, malformed: Malformed) => string | number | boolean | Unstorable;

const ENTITIES: Readonly<Record<string, string>> = { lt: '<', gt: '>', amp: '&', quot: '"', apos: "'" };

const integer: Codec = (text, malformed) => {
  const number = Number(text);
  if (!/^\s*[+-]?\d+\s*$/.test(text)) throw malformed(`"${text.slice(0, 40)}" is not an integer`);
  if (!Number.isSafeInteger(number)) return new Unstorable(tooLong(text));
  return number;
};

const double: Codec = (text, malformed) => {
  if (/^\s*[+-]?(nan|inf|infinity)\s*$/i.test(text)) return new Unstorable(NOT_FINITE);
  if (!/^\s*[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?\s*$/i.test(text))
    throw malformed(`"${text.slice(0, 40)}" is not a number`);
  return Number(text);
};

const boolean: Codec = (text, malformed) => {
  if (text !== '0' && text !== '1') throw malformed(`"${text.slice(0, 40)}" is not a boolean`);
  return text === '1';
};

const dateTime: Codec = (text, malformed) => {
  const parts = /^\s*(\d{4})-?(\d{2})-?(\d{2})T(\d{2}:\d{2}:\d{2})\s*$/.exec(text);
  if (parts === null) throw malformed(`"${text.slice(0, 40)}" is not a date and time`);
  return `${parts[1]}-${parts[2]}-${parts[3]} ${parts[4]}`;
};

const string: Codec = (text, malformed) => textValue(text.includes('&') ? decoded(text, malformed) : text);

const decoded = (text: string, malformed: Malformed) =>
  text.replace(/&([^;&]{0,10})(;?)/g, (_, name: string, end: string) => {
    const character = end === ';' ? entity(name) : undefined;
    if (character === undefined) throw malformed(`the XML has the unknown entity &${name}`);
    return character;
  });

/** The character of the entity `&name;`; nothing for a control character, which is removed everywhere. */
function entity(name: string): string | undefined {
  const digits = /^#(?:x([0-9a-f]+)|(\d+))$/i.exec(name);
  if (digits === null) return ENTITIES[name];
  const code = digits[1] === undefined ? Number(digits[2]) : Number.parseInt(digits[1], 16);
  if (code > 0x10ffff) return undefined;
  if (code >= 0xd800 && code <= 0xdfff) return '\ufffd';
  return isRemovedControl(code) ? '' : String.fromCodePoint(code);
}

const CODECS: Readonly<Record<string, Codec>> = {
  string,
  int: integer,
  i4: integer,
  i8: integer,
  boolean,
  double,
  base64: (text) => text.replace(/\s+/g, ''),
  'dateTime.iso8601': dateTime,
};

/** Decodes the text of one scalar element. */
export function scalar(type: string, text: string, malformed: Malformed): ReturnType<Codec> {
  const codec = Object.hasOwn(CODECS, type) ? CODECS[type] : undefined;
  if (codec === undefined) throw malformed(`the XML has a value of unknown type <${type.slice(0, 40)}>`);
  return codec(text, malformed);
}

const STRING = literal('<string>');
const END_STRING = literal('</string></value>');
const INT = literal('<int>');
const END_INT = literal('</int></value>');
const DOUBLE = literal('<double>');
const END_DOUBLE = literal('</double></value>');
const FALSE = literal('<boolean>0</boolean></value>');
const TRUE = literal('<boolean>1</boolean></value>');

const LESS_THAN = 60;
const AMPERSAND = 38;
const MINUS = 45;
const POINT = 46;
const ZERO = 48;
const NINE = 57;

/** A number of this many digits is exact as a double, and so is this power of ten: their quotient is rounded once. */
const EXACT_DIGITS = 15;
const POWERS = Array.from({ length: EXACT_DIGITS + 1 }, (_, power) => 10 ** power);

/**
 * Reads a value after `<value>`, including its end tag, if it is written as Odoo writes nearly every value. Undefined
 * if it is written otherwise, or invalid; then nothing was read.
 */
export function plainScalar(xml: XmlBytes): string | number | boolean | undefined {
  const { position, view } = xml;
  // The first letter of `<string>`, `<struct>` and the like. All of them are longer than this.
  switch (position + 3 < view.byteLength ? view.getUint8(position + 1) : 0) {
    case 115:
      return plainText(xml);
    case 105:
      return plainNumber(xml, INT, END_INT);
    case 100:
      return plainNumber(xml, DOUBLE, END_DOUBLE);
    case 98:
      if (xml.take(FALSE)) return false;
      return xml.take(TRUE) ? true : undefined;
    default:
      return undefined;
  }
}

/** Text without entities, control characters and bytes that are not UTF-8. */
function plainText(xml: XmlBytes): string | undefined {
  if (!xml.has(STRING, xml.position)) return undefined;
  const { view } = xml;
  const length = view.byteLength;
  const start = xml.position + STRING.byteLength;
  let at = start;
  let isAscii = true;
  for (; at < length; at++) {
    const byte = view.getUint8(at);
    if (byte === LESS_THAN) break;
    if (byte === AMPERSAND || isRemovedControl(byte)) return undefined;
    if (byte > 127) isAscii = false;
  }
  if (!isAscii && !xml.isUtf8) return undefined;
  if (!xml.has(END_STRING, at)) return undefined;
  xml.position = at + END_STRING.byteLength;
  return isAscii ? xml.ascii(start, at) : xml.decoded(start, at);
}

/** Digits, with a sign before and, in a double, a point among them. */
function plainNumber(xml: XmlBytes, opening: DataView, closing: DataView): number | undefined {
  if (!xml.has(opening, xml.position)) return undefined;
  const { view } = xml;
  const length = view.byteLength;
  let at = xml.position + opening.byteLength;
  const isNegative = at < length && view.getUint8(at) === MINUS;
  if (isNegative) at++;
  const start = at;
  let point = -1;
  let digits = 0;
  for (; at < length; at++) {
    const byte = view.getUint8(at);
    if (byte >= ZERO && byte <= NINE) digits = digits * 10 + (byte - ZERO);
    else if (byte === POINT && point < 0 && opening === DOUBLE) point = at;
    else break;
  }
  const count = at - start - (point < 0 ? 0 : 1);
  if (count === 0 || count > EXACT_DIGITS || !xml.has(closing, at)) return undefined;
  xml.position = at + closing.byteLength;
  const decimals = point < 0 ? 0 : at - point - 1;
  const number = digits / (POWERS[decimals] ?? Number.NaN);
  return isNegative ? -number : number;
}
