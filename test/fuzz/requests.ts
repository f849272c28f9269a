import fc from 'fast-check';
import type { Operation, Parameter } from './operations.ts';
import type { Sent } from './send.ts';
import type { Vocabulary } from './values.ts';
import { anyJson, nasty, valid } from './values.ts';

/** The generator's knowledge of the API. */
export interface Knowledge extends Vocabulary {
  /** The caller of a path, by the headers of its login. The right ones are there more than once. */
  doorsOf(path: string): readonly Readonly<Record<string, string>>[];
}

/** A request to an operation, or to its path by another method. */
export interface Trial extends Sent {
  readonly operation: Operation;
}

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE', 'PROPFIND'];

const ODD_HEADERS: readonly Readonly<Record<string, string>>[] = [
  { accept: 'application/xml' },
  { accept: '*/*;q=0' },
  { 'accept-encoding': 'gzip' },
  { 'accept-encoding': 'deflate;q=0.5, br' },
  { 'accept-encoding': 'identity;q=0, *;q=0' },
  { 'if-none-match': '*' },
  { 'if-none-match': 'W/"x", "', 'cache-control': 'no-cache' },
  { 'if-modified-since': 'the day before' },
  { range: 'bytes=0-,5-1,-' },
  { 'x-forwarded-for': '1.2.3.4, ::1, unknown', 'x-forwarded-host': 'evil.example' },
  { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' },
  { origin: 'null' },
  { host: 'evil.example:99999' },
  { cookie: 'a=b; __proto__=x' },
  { 'x-odd': `caf\u00e9 ${'y'.repeat(3000)}` },
  { authorization: 'Bearer psl_' },
  { authorization: `Bearer ${'z'.repeat(2000)}` },
  { authorization: 'Basic !!!' },
  { authorization: 'Negotiate oQcwBaADCgEA' },
  { 'content-encoding': 'gzip' },
  { 'transfer-encoding': 'chunked' },
  { connection: 'close' },
  { 'last-event-id': '-1' },
  { traceparent: '00-zz-zz-zz' },
];

const TYPES = [
  'application/json; charset=latin1',
  'text/plain',
  'application/x-www-form-urlencoded',
  'multipart/form-data; boundary=x',
  'application/json;;;',
  'garbage',
];

/** Mostly what the operation asks for, now and then with something wrong. */
export function trials(operations: readonly Operation[], knowledge: Knowledge): fc.Arbitrary<Trial> {
  return fc.oneof(...operations.map((operation) => trialsOf(operation, knowledge)));
}

function trialsOf(operation: Operation, knowledge: Knowledge): fc.Arbitrary<Trial> {
  const { parameters, method, path } = operation;
  const values = fc.tuple(...parameters.map((parameter) => chosenFor(parameter, knowledge)));
  const rare = <T>(usual: T, others: fc.Arbitrary<T>) =>
    fc.oneof({ weight: 12, arbitrary: fc.constant(usual) }, { weight: 1, arbitrary: others });
  return fc
    .record({
      method: rare(method, fc.constantFrom(...METHODS)),
      values,
      stray: rare<string | null>(
        null,
        fc.tuple(nasty, nasty).map(([name, value]) => pair(name, value)),
      ),
      door: fc.constantFrom(...knowledge.doorsOf(path)),
      odd: rare<Readonly<Record<string, string>>>({}, fc.constantFrom(...ODD_HEADERS)),
      type: rare('application/json', fc.constantFrom(...TYPES)),
      body: bodyOf(operation, knowledge),
    })
    .map(({ method: used, values: chosen, stray, door, odd, type, body }) => {
      const named = parameters.map((parameter, at) => [parameter, chosen[at]] as const);
      const query = [
        ...named.flatMap(([parameter, value]) => inQuery(parameter, value)),
        ...(stray === null ? [] : [stray]),
      ];
      const filled = named.reduce((text, [parameter, value]) => inPath(text, parameter, value), path);
      const sent = used === 'GET' || used === 'HEAD' || used === 'TRACE' ? null : body;
      return {
        operation,
        method: used,
        target: query.length === 0 ? filled : `${filled}?${query.join('&')}`,
        headers: { ...door, ...(sent === null ? {} : { 'content-type': type }), ...odd },
        body: sent,
      };
    });
}

/** `undefined`: left out. */
function chosenFor({ name, required, schema }: Parameter, knowledge: Knowledge): fc.Arbitrary<unknown> {
  const known = knowledge.given[name];
  const right = known === undefined ? valid(schema, knowledge) : fc.constant(known);
  const some = fc.oneof({ weight: 9, arbitrary: right }, { weight: 1, arbitrary: nasty });
  if (required || known !== undefined) return some;
  return fc.oneof({ weight: 2, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: some });
}

function bodyOf({ body }: Operation, knowledge: Knowledge): fc.Arbitrary<Buffer | null> {
  const json = (value: unknown) => Buffer.from(JSON.stringify(value) ?? '');
  const odd = fc.oneof(
    anyJson.map(json),
    fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.from(bytes)),
    fc.constantFrom(Buffer.from(''), Buffer.from('{'), Buffer.from('{"a":1,}'), Buffer.from('\ufeff{}')),
    fc.constant(json('x'.repeat(1_100_000))),
  );
  const seldom = { weight: 1, arbitrary: odd };
  if (body === null) return fc.oneof({ weight: 9, arbitrary: fc.constant(null) }, seldom);
  const right = valid(body, knowledge);
  const spoilt = fc
    .tuple(right, nasty, anyJson)
    .map(([value, name, other]) => json(typeof value === 'object' ? { ...value, [name]: other } : other));
  return fc.oneof({ weight: 6, arbitrary: right.map(json) }, { weight: 2, arbitrary: spoilt }, seldom);
}

/** A text that is not well-formed Unicode is sent as the bytes that Node makes of it. */
const encoded = (text: string) => encodeURIComponent(Buffer.from(text).toString());
const pair = (name: string, value: string) => `${encoded(name)}=${encoded(value)}`;
const wordOf = (value: unknown) => (typeof value === 'string' ? value : JSON.stringify(value));

/** Lists are repeated, objects are `name[key]=value` and `name[key][key]=value`. */
function inQuery({ in: place, name }: Parameter, value: unknown, label = name): string[] {
  if (place !== 'query' || value === undefined) return [];
  const parameter = { in: place, name, required: false, schema: {} };
  if (Array.isArray(value)) return value.flatMap((entry) => inQuery(parameter, entry, label));
  if (typeof value !== 'object' || value === null) return [pair(label, wordOf(value))];
  return Object.entries(value).flatMap(([key, entry]) => inQuery(parameter, entry, `${label}[${key}]`));
}

function inPath(path: string, { in: place, name }: Parameter, value: unknown): string {
  // Nothing at all would be another path.
  return place === 'path' ? path.replace(`{${name}}`, () => encoded(wordOf(value)) || '%20') : path;
}
