import { PythonError } from './errors.ts';

/** A method call as it came: its parameters as plain values. */
interface XmlCall {
  readonly method: string;
  readonly params: readonly unknown[];
}

const TOKEN = /<!\[CDATA\[(.*?)\]\]>|<(\/?)([a-zA-Z0-9]+)[^>]*?(\/?)>|([^<]+)/gs;
const ENTITIES: Readonly<Record<string, string>> = { lt: '<', gt: '>', amp: '&', quot: '"', apos: "'" };

/**
 * Reads `<methodCall>`. Enough XML for what clients send: no comments, no document types.
 *
 * @throws PythonError expat's, for a text that is not a method call.
 */
export function readCall(xml: string): XmlCall {
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

/** Walks the tokens once, from left to right. */
class Reader {
  readonly #tokens: readonly (Token & { readonly empty: boolean })[];
  #at = 0;

  constructor(tokens: readonly (Token & { readonly empty: boolean })[]) {
    this.#tokens = tokens;
  }

  /** Moves behind the next `<open>`; false when `</until>` or the end comes first. */
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
