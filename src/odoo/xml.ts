import { withoutControls } from './text.ts';
import type { OdooValue } from './types.ts';
import { BAD_BYTES, DEEPEST, NOT_UTF8, TOO_DEEP, Unstorable } from './unstorable.ts';
import { scalar } from './xml-scalars.ts';

/** What a `methodResponse` holds: a value, or a fault. */
export type XmlRpcResponse = { readonly value: OdooValue } | { readonly fault: OdooValue };

/** Builds the error to throw; it knows which call this answers. */
export type Malformed = (reason: string) => Error;

/** Empty elements in their short form. */
const EMPTY: Readonly<Record<string, OdooValue>> = {
  'nil/': null,
  'string/': '',
  'base64/': '',
  'array/': [],
  'struct/': {},
};

/**
 * Decodes an XML-RPC answer strictly: only the tags of the protocol, no attributes, comments or CDATA (Odoo
 * sends none). Text stays as sent, carriage returns included, but for the control characters of `text.ts`.
 * A `base64` stays base64 text and a `dateTime.iso8601` becomes `YYYY-MM-DD HH:MM:SS`, as in Odoo's JSON.
 *
 * What the mirror cannot hold (integers beyond 2^53, NaN, Infinity, bytes that are not UTF-8, what nests too deep)
 * becomes an `Unstorable`.
 *
 * @throws what `malformed` builds for anything that is not XML-RPC.
 */
export function decodeXmlRpc(body: string, malformed: Malformed): XmlRpcResponse {
  return new Scanner(withoutControls(body), malformed).response();
}

class Scanner {
  readonly #xml: string;
  readonly #malformed: Malformed;
  #position = 0;
  #depth = 0;

  constructor(xml: string, malformed: Malformed) {
    this.#xml = xml;
    this.#malformed = malformed;
  }

  response(): XmlRpcResponse {
    if (this.#xml.startsWith('<?xml')) this.#tag();
    this.#expect('methodResponse');
    const kind = this.#nextTag();
    if (kind !== 'params' && kind !== 'fault') throw this.#misplaced(kind, 'params');
    if (kind === 'params') this.#expect('param');
    const value = this.#value(this.#nextTag());
    if (kind === 'params') this.#expect('/param');
    this.#expect(`/${kind}`);
    this.#expect('/methodResponse');
    if (this.#xml.slice(this.#position).trim() !== '') throw this.#malformed('the XML goes on after its end');
    return kind === 'params' ? { value } : { fault: value };
  }

  #value(opening: string): OdooValue {
    if (opening === 'value/') return '';
    if (opening !== 'value') throw this.#misplaced(opening, 'value');
    const untyped = this.#text();
    const type = this.#tag();
    if (type === '/value') return scalar('string', untyped, this.#malformed);
    if (untyped.trim() !== '') throw this.#malformed('the XML has text beside a typed value');
    if (this.#depth === DEEPEST) return this.#skip(type);
    this.#depth++;
    const value = this.#typed(type);
    this.#depth--;
    this.#expect('/value');
    return value;
  }

  /** Passes over the rest of a value without looking into it, and without a stack. */
  #skip(type: string): Unstorable {
    for (let open = 1, tag = type; ; tag = this.#tag()) {
      if (tag === 'value') open++;
      if (tag === '/value' && --open === 0) return new Unstorable(TOO_DEEP);
      this.#text();
    }
  }

  #typed(type: string): OdooValue {
    if (type === 'array') return this.#array();
    if (type === 'struct') return this.#struct();
    if (type.endsWith('/')) {
      const empty = EMPTY[type.replace(/\s+\/$/, '/')];
      if (empty === undefined) throw this.#misplaced(type, 'value type');
      return empty;
    }
    return scalar(type, this.#content(type), this.#malformed);
  }

  #array(): OdooValue[] {
    const values: OdooValue[] = [];
    const data = this.#nextTag();
    if (data !== 'data/') {
      if (data !== 'data') throw this.#misplaced(data, 'data');
      for (let next = this.#nextTag(); next !== '/data'; next = this.#nextTag())
        values.push(this.#value(next));
    }
    this.#expect('/array');
    return values;
  }

  #struct(): OdooValue {
    const members: [string, OdooValue][] = [];
    for (let next = this.#nextTag(); next !== '/struct'; next = this.#nextTag()) {
      if (next !== 'member') throw this.#misplaced(next, 'member');
      this.#expect('name');
      const name = scalar('string', this.#content('name'), this.#malformed);
      members.push([typeof name === 'string' ? name : BAD_BYTES, this.#value(this.#nextTag())]);
      this.#expect('/member');
    }
    const bad = members.some(([name]) => name === BAD_BYTES);
    return bad ? new Unstorable(NOT_UTF8) : Object.fromEntries(members);
  }

  /** Text up to the next tag. */
  #text(): string {
    const end = this.#xml.indexOf('<', this.#position);
    if (end < 0) throw this.#malformed('the XML is cut off');
    const text = this.#xml.slice(this.#position, end);
    this.#position = end;
    return text;
  }

  /** The tag that starts here, without its brackets. */
  #tag(): string {
    const end = this.#xml.indexOf('>', this.#position);
    if (end < 0) throw this.#malformed('the XML is cut off');
    const tag = this.#xml.slice(this.#position + 1, end);
    this.#position = end + 1;
    return tag;
  }

  #nextTag(): string {
    if (this.#text().trim() !== '') throw this.#malformed('the XML has text between tags');
    return this.#tag();
  }

  /** Text up to the closing tag of `type`. */
  #content(type: string): string {
    const text = this.#text();
    const closing = this.#tag();
    if (closing !== `/${type}`) throw this.#misplaced(closing, `/${type}`);
    return text;
  }

  #expect(wanted: string): void {
    const found = this.#nextTag();
    if (found !== wanted) throw this.#misplaced(found, wanted);
  }

  #misplaced(found: string, wanted: string): Error {
    return this.#malformed(`the XML has <${found.slice(0, 40)}> where <${wanted}> belongs`);
  }
}
