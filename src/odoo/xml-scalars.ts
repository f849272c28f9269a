import { isRemovedControl } from './text.ts';
import { NOT_FINITE, textValue, tooLong, Unstorable } from './unstorable.ts';
import type { Malformed } from './xml.ts';

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

/** The character that `&name;` stands for; nothing for a control character that is removed everywhere. */
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
