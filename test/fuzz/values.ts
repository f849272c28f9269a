import fc from 'fast-check';
import type { Schema } from './operations.ts';

/** Values that break parsers, queries, paths, terminals and spreadsheets. */
const NASTY = [
  '',
  ' ',
  '\0',
  'a\0b',
  '\r\nx: y',
  '\u202e',
  '\ufeff',
  '🚚'.repeat(40),
  'e\u0301'.repeat(100),
  'null',
  'undefined',
  'NaN',
  'Infinity',
  '-1',
  '0',
  '1.5',
  '1e309',
  '0x10',
  '9'.repeat(40),
  '9007199254740993',
  '-9223372036854775809',
  '2147483648',
  '__proto__',
  'constructor',
  'prototype',
  'toString',
  '[object Object]',
  '../../etc/passwd',
  "' or 1=1 --",
  '"; drop table scrap_dimagaz_bc; --',
  '$1',
  '%',
  '_',
  '\\',
  '(((((',
  '=cmd|calc',
  '{"a":',
  '<script>',
  ['$', '{7*7}'].join(''),
  '0000-00-00T00:00:00Z',
  '9999-12-31T23:59:60Z',
  '-271821-04-20T00:00:00.000Z',
  'x'.repeat(3000),
];

/** Texts that go wrong somewhere, and any text at all. */
export const nasty: fc.Arbitrary<string> = fc.oneof(
  fc.constantFrom(...NASTY),
  fc.string({ maxLength: 40 }),
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.string({ unit: 'grapheme', maxLength: 40 }),
);

/** Any JSON, prototype keys and deep nesting included. */
export const anyJson: fc.Arbitrary<unknown> = fc.oneof(
  fc.jsonValue({ maxDepth: 3 }),
  nasty,
  fc.constantFrom(...[-1, 0, 1e308, 2 ** 53, 0.1, true, false, null]),
  fc.constantFrom('{"__proto__":{"admin":true}}', '{"constructor":{"prototype":{"x":1}}}').map(parsed),
  fc.integer({ min: 1, max: 2000 }).map((depth) => parsed('['.repeat(depth) + ']'.repeat(depth))),
);

function parsed(text: string): unknown {
  return JSON.parse(text);
}

const LONGEST = 40;

/** Valid values for the API, so that not every request is refused. */
export interface Vocabulary {
  /** Ids, names and cursors that answers had. */
  readonly words: readonly string[];
  /** By name: values of parameters and members that cannot be guessed. */
  readonly given: Readonly<Record<string, unknown>>;
}

/** Values that a schema allows. Texts are words that this API has used itself, now and then. */
export function valid(schema: Schema, known: Vocabulary): fc.Arbitrary<unknown> {
  const fixed = [...(schema.enum ?? []), ...(schema.examples ?? [])];
  if (schema.const !== undefined) return fc.constant(schema.const);
  if (schema.enum !== undefined) return fc.constantFrom(...schema.enum);
  const choices = schema.anyOf ?? schema.oneOf;
  const made =
    choices === undefined
      ? ofTypes(schema, known)
      : fc.oneof(...choices.map((choice) => valid(choice, known)));
  return fixed.length === 0 ? made : fc.oneof(fc.constantFrom(...fixed), made);
}

function ofTypes(schema: Schema, known: Vocabulary): fc.Arbitrary<unknown> {
  const types = schema.type === undefined ? [] : [schema.type].flat();
  if (types.length === 0) return fc.jsonValue({ maxDepth: 2 });
  return fc.oneof(...types.map((type) => ofType(schema, type, known)));
}

function ofType(schema: Schema, type: string, known: Vocabulary): fc.Arbitrary<unknown> {
  switch (type) {
    case 'integer':
      return whole(schema);
    case 'number':
      return fc.oneof(
        whole(schema),
        fc.double({ noNaN: true, min: schema.minimum ?? -1e9, max: schema.maximum ?? 1e9 }),
      );
    case 'boolean':
      return fc.boolean();
    case 'null':
      return fc.constant(null);
    case 'array':
      return fc.array(valid(schema.items ?? {}, known), {
        minLength: schema.minItems ?? 0,
        maxLength: Math.min(schema.maxItems ?? 4, 4),
      });
    case 'object':
      return object(schema, known);
    default:
      return text(schema, known);
  }
}

/** Small ones mostly: ids that are there. */
function whole({ minimum = -1e15, maximum = 1e15 }: Schema): fc.Arbitrary<number> {
  const any = fc.bigInt({ min: BigInt(Math.ceil(minimum)), max: BigInt(Math.floor(maximum)) }).map(Number);
  const least = Math.max(minimum, 0);
  const small = fc.integer({ min: least, max: Math.max(least, Math.min(maximum, 60)) });
  return least > maximum || least > 2 ** 31 ? any : fc.oneof({ weight: 4, arbitrary: small }, any);
}

function text(
  { format, minLength = 0, maxLength = LONGEST }: Schema,
  known: Vocabulary,
): fc.Arbitrary<string> {
  if (format === 'date-time')
    return fc.date({ noInvalidDate: true, min: new Date(0) }).map((date) => date.toISOString());
  const most = Math.max(minLength, Math.min(maxLength, LONGEST));
  const free = fc.string({ minLength, maxLength: most });
  const fitting = known.words.filter(({ length }) => length >= minLength && length <= maxLength);
  return fitting.length === 0 ? free : fc.oneof({ weight: 3, arbitrary: fc.constantFrom(...fitting) }, free);
}

function object(schema: Schema, known: Vocabulary): fc.Arbitrary<unknown> {
  const { properties = {}, required = [], additionalProperties: more } = schema;
  const members = Object.entries(properties).map(([name, property]) => {
    const right = known.given[name];
    const free = valid(property, known);
    return [name, right === undefined ? free : fc.oneof(fc.constant(right), free)] as const;
  });
  const record = fc.record(Object.fromEntries(members), { requiredKeys: [...required] });
  if (typeof more !== 'object') return record;
  const extra = fc.dictionary(text({}, known), valid(more, known), { maxKeys: 2 });
  return fc.tuple(record, extra).map(([one, other]) => ({ ...other, ...Object(one) }));
}
