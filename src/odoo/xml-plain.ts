import { isRemovedControl } from './text.ts';
import type { XmlBytes } from './xml-bytes.ts';
import { literal } from './xml-bytes.ts';

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

/** So many digits are exact as a double, and so is ten to that power: their quotient is rounded once. */
const EXACT_DIGITS = 15;
const POWERS = Array.from({ length: EXACT_DIGITS + 1 }, (_, power) => 10 ** power);

/**
 * Reads what follows `<value>`, its end included, where it is written as Odoo writes nearly every value.
 * Undefined: it is something else, or wrong, and nothing happened.
 */
export function plainScalar(xml: XmlBytes): string | number | boolean | undefined {
  const { position, view } = xml;
  // Of `<string>`, `<struct>` and the like the second letter; none is as short as this.
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
