import { isRemovedControl } from './text.ts';
import type { Malformed } from './xml.ts';

type Codec = (text: string, malformed: Malformed) => string | number | boolean;

const ENTITIES: Readonly<Record<string, string>> = { lt: '<', gt: '>', amp: '&', quot: '"', apos: "'" };

const integer: Codec = (text, malformed) => {
  const number = Number(text);
  if (!/^\s*[+-]?\d+\s*$/.test(text)) throw malformed(`"${text.slice(0, 40)}" is not an integer`);
  if (!Number.isSafeInteger(number)) throw malformed(`the integer ${text.trim()} is beyond 2^53`);
  return number;
};

const double: Codec = (text, malformed) => {
  if (/^\s*[+-]?(nan|inf|infinity)\s*$/i.test(text)) throw malformed(NOT_FINITE);
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

const string: Codec = (text, malformed) =>
  text.includes('&')
    ? text.replace(/&([^;&]{0,10})(;?)/g, (_, name: string, end: string) => {
        const decoded = end === ';' ? entity(name) : undefined;
        if (decoded === undefined) throw malformed(`the XML has the unknown entity &${name}`);
        return decoded;
      })
    : text;

/** The character that `&name;` stands for; nothing for a control character that is removed everywhere. */
function entity(name: string): string | undefined {
  const digits = /^#(?:x([0-9a-f]+)|(\d+))$/i.exec(name);
  if (digits === null) return ENTITIES[name];
  const code = digits[1] === undefined ? Number(digits[2]) : Number.parseInt(digits[1], 16);
  if (code > 0x10ffff) return undefined;
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

/** Said of NaN and Infinity by every transport: no column of the mirror could hold them. */
export const NOT_FINITE = 'it holds a number that is NaN or infinite; correct it in Odoo';

/** Decodes the text of one scalar element. */
export function scalar(type: string, text: string, malformed: Malformed): string | number | boolean {
  const codec = Object.hasOwn(CODECS, type) ? CODECS[type] : undefined;
  if (codec === undefined) throw malformed(`the XML has a value of unknown type <${type.slice(0, 40)}>`);
  return codec(text, malformed);
}
