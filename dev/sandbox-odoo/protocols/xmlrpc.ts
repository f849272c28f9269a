import { asPython, PythonError, traceback, typeError } from '../errors.ts';
import type { OdooVersion } from '../orm/fields.ts';
import { WholeFloat } from '../orm/reading.ts';
import { Raw } from '../planted.ts';
import { type Backend, describeCall, dispatchService } from './dispatch.ts';
import type { Exchange, HttpAnswer, HttpRequest } from './http.ts';
import { errorPage } from './http.ts';

/** A received method call: its parameters as plain values. */
interface XmlCall {
  readonly method: string;
  readonly params: readonly unknown[];
}

const TOKEN = /<!\[CDATA\[(.*?)\]\]>|<(\/?)([a-zA-Z0-9]+)[^>]*?(\/?)>|([^<]+)/gs;
const ENTITIES: Readonly<Record<string, string>> = { lt: '<', gt: '>', amp: '&', quot: '"', apos: "'" };

/**
 * Reads `<methodCall>`. Enough XML for what clients send: no comments, no document types.
 *
 * @throws PythonError of expat, for a text that is not a method call.
 */
function readCall(xml: string): XmlCall {
  const method = /<methodName>\s*([^<]*?)\s*<\/methodName>/.exec(xml)?.[1];
  if (method === undefined || !xml.includes('</methodCall>')) {
    throw new PythonError('xml.parsers.expat.ExpatError', 'unclosed token: line 1, column 0');
  }
  const tokens = [...xml.matchAll(TOKEN)].map(token);
  const reader = new Reader(tokens);
  const params: unknown[] = [];
  while (reader.skipTo('value', 'params')) params.push(reader.value());
  return { method, params };
}

interface Token {
  readonly kind: 'open' | 'close' | 'text';
  readonly text: string;
}

function token([, cdata, slash, name, empty, text]: RegExpExecArray): Token & { readonly empty: boolean } {
  if (cdata !== undefined) return { kind: 'text', text: cdata, empty: false };
  if (text !== undefined) return { kind: 'text', text: unescapeXml(text), empty: false };
  return { kind: slash ? 'close' : 'open', text: name ?? '', empty: empty === '/' };
}

function unescapeXml(text: string): string {
  return text.replaceAll(/&(#x?[0-9a-fA-F]+|\w+);/g, (whole, name: string) => {
    if (name.startsWith('#x')) return String.fromCodePoint(Number.parseInt(name.slice(2), 16));
    if (name.startsWith('#')) return String.fromCodePoint(Number(name.slice(1)));
    return ENTITIES[name] ?? whole;
  });
}

/** Reads the tokens once, from left to right. */
class Reader {
  readonly #tokens: readonly (Token & { readonly empty: boolean })[];
  #at = 0;

  constructor(tokens: readonly (Token & { readonly empty: boolean })[]) {
    this.#tokens = tokens;
  }

  /** Moves behind the next `<open>`; false if `</until>` or the end comes first. */
  skipTo(open: string, until: string): boolean {
    for (; this.#at < this.#tokens.length; this.#at += 1) {
      const token = this.#tokens[this.#at];
      if (token?.kind === 'close' && token.text === until) return false;
      if (token?.kind === 'open' && token.text === open) {
        this.#at += 1;
        return true;
      }
    }
    return false;
  }

  /** The value after `<value>`, up to and with `</value>`. */
  value(): unknown {
    const before = this.#tokens[this.#at - 1];
    if (before?.empty) return '';
    const text = this.#text();
    const next = this.#tokens[this.#at];
    if (next?.kind !== 'open') {
      this.#leave('value');
      return text;
    }
    this.#at += 1;
    const value = next.empty ? scalar(next.text, '') : this.#typed(next.text);
    this.#leave('value');
    return value;
  }

  #typed(type: string): unknown {
    if (type === 'array') return this.#array();
    if (type === 'struct') return this.#struct();
    return scalar(type, this.#text());
  }

  #array(): unknown[] {
    const items: unknown[] = [];
    while (this.skipTo('value', 'array')) items.push(this.value());
    return items;
  }

  #struct(): Record<string, unknown> {
    const members: Record<string, unknown> = {};
    while (this.skipTo('name', 'struct')) {
      const name = this.#text();
      if (this.skipTo('value', 'member')) members[name] = this.value();
    }
    return members;
  }

  #text(): string {
    let text = '';
    for (let token = this.#tokens[this.#at]; token?.kind === 'text'; token = this.#tokens[this.#at]) {
      text += token.text;
      this.#at += 1;
    }
    return text;
  }

  #leave(name: string): void {
    while (this.#at < this.#tokens.length) {
      const token = this.#tokens[this.#at];
      this.#at += 1;
      if (token?.kind === 'close' && token.text === name) return;
    }
  }
}

function scalar(type: string, text: string): unknown {
  if (type === 'int' || type === 'i4' || type === 'i8' || type === 'double') return Number(text);
  if (type === 'boolean') return text.trim() === '1';
  return type === 'nil' ? null : text;
}

/** Odoo 19 removes what XML 1.0 forbids. 14.0 writes it unchanged, and the answer is then not XML. */
const KEPT_CONTROLS = new Set(['\t', '\n', '\r']);

/**
 * Writes an answer as Python's marshaller does, `allow_none` off.
 *
 * @throws PythonError OverflowError for an integer beyond 32 bits, TypeError for None.
 */
function writeAnswer(value: unknown, version: OdooVersion): string {
  const body = `<params>\n<param>\n<value>${write(value, version)}</value>\n</param>\n</params>`;
  return envelope(body, version);
}

/** A fault: code 1 contains the traceback, the others only the message. */
function writeFault(error: PythonError, version: OdooVersion): string {
  const text = error.fault === 1 ? traceback(error) : error.message;
  const fault = write({ faultCode: error.fault, faultString: text }, version);
  return envelope(`<fault>\n<value>${fault}</value>\n</fault>`, version);
}

function envelope(body: string, version: OdooVersion): string {
  if (version === '14.0') return `<?xml version='1.0'?>\n<methodResponse>\n${body}\n</methodResponse>\n`;
  return `<?xml version="1.0"?>\n<methodResponse>\n${body}\n\n</methodResponse>\n`;
}

function write(value: unknown, version: OdooVersion): string {
  if (typeof value === 'string')
    return `<string>${escapeXml(version === '19.0' ? strip(value) : value)}</string>`;
  if (typeof value === 'boolean') return `<boolean>${value ? 1 : 0}</boolean>`;
  if (typeof value === 'number') return writeNumber(value);
  if (value instanceof Raw) return value.xml;
  if (value instanceof WholeFloat) return `<double>${value.value}.0</double>`;
  if (value === null || value === undefined) {
    throw typeError('cannot marshal None unless allow_none is enabled');
  }
  if (Array.isArray(value)) {
    const items = value.map((item) => `<value>${write(item, version)}</value>\n`);
    return `<array><data>\n${items.join('')}</data></array>`;
  }
  const members = Object.entries(value).map(
    ([name, item]) =>
      `<member>\n<name>${escapeXml(name)}</name>\n<value>${write(item, version)}</value>\n</member>\n`,
  );
  return `<struct>\n${members.join('')}</struct>`;
}

function writeNumber(value: number): string {
  if (!Number.isInteger(value)) return `<double>${value}</double>`;
  if (value > 2 ** 31 - 1 || value < -(2 ** 31)) {
    throw new PythonError('builtins.OverflowError', 'int exceeds XML-RPC limits');
  }
  return `<int>${value}</int>`;
}

/** Most texts have no control character, and a test is much cheaper than a replacement. */
function strip(text: string): string {
  if (!/\p{Cc}/u.test(text)) return text;
  return text.replaceAll(/\p{Cc}/gu, (char) => (char > '\u001f' || KEPT_CONTROLS.has(char) ? char : ''));
}

const escapeXml = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');

/** `POST /xmlrpc/2/<service>`. A text that is not a method call is answered with a fault, as Odoo does. */
export function xmlrpc(backend: Backend, request: HttpRequest, now: Date): Exchange | HttpAnswer {
  const { version } = backend.store;
  if (request.verb !== 'POST') {
    const text = 'The method is not allowed for the requested URL.';
    return { ...errorPage(version, 405, 'Method Not Allowed', text), headers: { allow: 'POST' } };
  }
  const service = request.path.split('/').at(-1) ?? '';
  try {
    const { method, params } = readCall(request.body);
    return exchange(backend, service, method, params, now);
  } catch (error) {
    return xml(writeFault(asPython(error), version));
  }
}

function exchange(
  backend: Backend,
  service: string,
  method: string,
  params: readonly unknown[],
  now: Date,
): Exchange {
  const { version } = backend.store;
  const isObject = service === 'object';
  const call = describeCall(
    'xmlrpc',
    isObject ? String(params[4]) : method,
    isObject ? String(params[3]) : '',
    isObject ? listOf(params[5]) : [],
    now,
  );
  return {
    call,
    answer(failure?: PythonError) {
      try {
        if (failure) throw failure;
        return xml(writeAnswer(dispatchService(backend, { service, method, args: params }), version));
      } catch (error) {
        return xml(writeFault(asPython(error), version));
      }
    },
  };
}

const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);

const xml = (body: string): HttpAnswer => ({ status: 200, type: 'text/xml; charset=utf-8', body });
