import type { OdooValue } from '../types.ts';
import { BAD_BYTES, DEEPEST, NOT_UTF8, TOO_DEEP, Unstorable, withoutMark } from './text.ts';
import { literal, type Malformed, XmlBytes, XmlTags } from './xml-reader.ts';
import { plainScalar, scalar } from './xml-scalars.ts';

/** A range of bytes in an answer. */
interface Span {
  readonly from: number;
  readonly to: number;
}

/** A member of a struct: its name, and the bytes from the end of the previous value to its own `<value>`. */
interface Member extends Span {
  readonly name: string;
}

/** The layout of a struct. The records of an answer have the same layout, so the next one is compared, not parsed. */
interface Shape {
  readonly members: readonly Member[];
  /** From the end of the last value to `</struct>`. */
  readonly end: Span;
  /** Has each member. To fill a copy is faster than to build a struct member by member, and the result is smaller. */
  readonly template: Readonly<Record<string, OdooValue>>;
}

/** The shape of a struct with these members. */
function shapeOf(members: readonly Member[], end: Span): Shape {
  const names = Object.fromEntries(members.map(({ name }) => [name, null]));
  // The result of JSON.parse keeps the compact memory layout with any number of members; that of Object.fromEntries does not.
  return { members, end, template: JSON.parse(JSON.stringify(names)) };
}

/** The content of a `methodResponse`: a value, or a fault. */
type XmlRpcResponse = { readonly value: OdooValue } | { readonly fault: OdooValue };
/** Empty elements in their short form. */
const EMPTY: Readonly<Record<string, OdooValue>> = {
  'nil/': null,
  'string/': '',
  'base64/': '',
  'array/': [],
  'struct/': {},
};

/**
 * Decodes an XML-RPC answer strictly: only the tags of the protocol, no attributes, comments or CDATA (Odoo sends
 * none). Text is kept as sent, carriage returns included, except for the control characters of `text.ts`. A `base64`
 * stays base64 text, and a `dateTime.iso8601` becomes `YYYY-MM-DD HH:MM:SS`, as in the JSON of Odoo.
 *
 * A value that the mirror cannot store (integers beyond 2^53, NaN, Infinity, invalid UTF-8, too deep nesting) becomes
 * an `Unstorable`.
 *
 * @throws the error of `malformed` if the answer is not XML-RPC.
 */
export function decodeXmlRpc(body: Buffer, malformed: Malformed): XmlRpcResponse {
  return new Scanner(withoutMark(body), malformed).response();
}

const VALUE = literal('<value>');
const END_VALUE = literal('</value>');
const STRUCT = literal('<struct>');
const ARRAY = literal('<array>');
const DATA = literal('<data>');
const END_ARRAY = literal('</data></array>');

/** Tries the exact bytes that Odoo writes first. It reads other layouts tag by tag. */
class Scanner {
  readonly #xml: XmlBytes;
  readonly #tags: XmlTags;
  #depth = 0;
  #shape: Shape | undefined;

  constructor(bytes: Buffer, malformed: Malformed) {
    this.#xml = new XmlBytes(bytes);
    this.#tags = new XmlTags(this.#xml, malformed);
  }

  response(): XmlRpcResponse {
    this.#prologue();
    const kind = this.#tags.next();
    if (kind !== 'params' && kind !== 'fault') throw this.#tags.misplaced(kind, 'params');
    if (kind === 'params') this.#tags.expect('param');
    const value = this.#value();
    if (kind === 'params') this.#tags.expect('/param');
    this.#tags.expect(`/${kind}`);
    this.#tags.expect('/methodResponse');
    this.#tags.end();
    return kind === 'params' ? { value } : { fault: value };
  }

  #prologue(): void {
    const tags = this.#tags;
    const before = tags.text();
    const first = tags.tag();
    if (before.trim() !== '') throw tags.malformed('the XML has text between tags');
    if (before === '' && first.startsWith('?xml')) tags.expect('methodResponse');
    else if (first !== 'methodResponse') throw tags.misplaced(first, 'methodResponse');
  }

  #value(): OdooValue {
    return this.#xml.take(VALUE) ? this.#inside() : this.#opened(this.#tags.next());
  }

  #opened(tag: string): OdooValue {
    if (tag === 'value/') return '';
    if (tag !== 'value') throw this.#tags.misplaced(tag, 'value');
    return this.#inside();
  }

  /** The content after `<value>`, with its end tag. */
  #inside(): OdooValue {
    const plain = this.#depth < DEEPEST ? plainScalar(this.#xml) : undefined;
    if (plain !== undefined) return plain;
    const container = this.#xml.take(ARRAY) ? 'array' : this.#xml.take(STRUCT) ? 'struct' : undefined;
    const untyped = container === undefined ? this.#tags.text() : '';
    const type = container ?? this.#tags.tag();
    if (type === '/value') return scalar('string', untyped, this.#tags.malformed);
    if (untyped.trim() !== '') throw this.#tags.malformed('the XML has text beside a typed value');
    if (this.#depth === DEEPEST) return this.#skip(type);
    this.#depth++;
    const value = this.#typed(type);
    this.#depth--;
    if (!this.#xml.take(END_VALUE)) this.#tags.expect('/value');
    return value;
  }

  /** Reads to the end of a value that is nested too deeply, without recursion. */
  #skip(type: string): Unstorable {
    for (let open = 1, tag = type; ; tag = this.#tags.tag()) {
      if (tag === 'value') open++;
      if (tag === '/value' && --open === 0) return new Unstorable(TOO_DEEP);
      this.#tags.text();
    }
  }

  #typed(type: string): OdooValue {
    if (type === 'array') return this.#array();
    if (type === 'struct') return this.#struct();
    if (type.endsWith('/')) {
      const empty = EMPTY[type.replace(/\s+\/$/, '/')];
      if (empty === undefined) throw this.#tags.misplaced(type, 'value type');
      return empty;
    }
    return scalar(type, this.#tags.content(type), this.#tags.malformed);
  }

  #array(): OdooValue[] {
    const values: OdooValue[] = [];
    const data = this.#xml.take(DATA) ? 'data' : this.#tags.next();
    if (data !== 'data' && data !== 'data/') throw this.#tags.misplaced(data, 'data');
    while (data === 'data') {
      if (this.#xml.take(VALUE)) values.push(this.#inside());
      else if (this.#xml.take(END_ARRAY)) return values;
      else {
        const next = this.#tags.next();
        if (next === '/data') break;
        values.push(this.#opened(next));
      }
    }
    this.#tags.expect('/array');
    return values;
  }

  #struct(): OdooValue {
    const shape = this.#shape;
    if (shape === undefined) return this.#members([], {});
    const values: Record<string, OdooValue> = { ...shape.template };
    let read = 0;
    for (const member of shape.members) {
      if (!this.#xml.takeAgain(member)) break;
      values[member.name] = this.#inside();
      read++;
    }
    if (read === shape.members.length && this.#xml.takeAgain(shape.end)) return values;
    return this.#members(shape.members.slice(0, read), values);
  }

  /** The members of a struct, including those that were already read. */
  #members(read: readonly Member[], before: Readonly<Record<string, OdooValue>>): OdooValue {
    const members = [...read];
    const values = read.map(({ name }): [string, OdooValue] => [name, before[name] ?? null]);
    for (;;) {
      const from = this.#xml.position;
      if (values.length > 0) this.#tags.expect('/member');
      const next = this.#tags.next();
      if (next === '/struct') return this.#closed(members, values, { from, to: this.#xml.position });
      if (next !== 'member') throw this.#tags.misplaced(next, 'member');
      const name = this.#name();
      const opening = this.#tags.next();
      // A `<value/>` has no content, so its bytes cannot be compared next time.
      if (opening === 'value') members.push({ name, from, to: this.#xml.position });
      values.push([name, this.#opened(opening)]);
    }
  }

  #name(): string {
    this.#tags.expect('name');
    const name = scalar('string', this.#tags.content('name'), this.#tags.malformed);
    return typeof name === 'string' ? name : BAD_BYTES;
  }

  #closed(members: readonly Member[], values: readonly [string, OdooValue][], end: Span): OdooValue {
    if (values.some(([name]) => name === BAD_BYTES)) return new Unstorable(NOT_UTF8);
    if (members.length === values.length) this.#shape = shapeOf(members, end);
    return Object.fromEntries(values);
  }
}
