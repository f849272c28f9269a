import { randomUUID } from 'node:crypto';

const planted = new Map<string, Raw>();

/**
 * A value exactly as it is sent, which no encoder would write, for example a bare `NaN` in JSON. The character U+DCFF
 * in it is sent as the byte 0xFF, which is not UTF-8.
 */
export class Raw {
  readonly json: string;
  readonly xml: string;
  readonly #token: string = `raw:${randomUUID()}`;
  constructor(json: string, xml: string) {
    this.json = json;
    this.xml = xml;
    planted.set(this.#token, this);
  }
  /** A placeholder for the value until `filled` inserts it. */
  toJSON(): string {
    return this.#token;
  }
}

/** JSON with the raw values in place of their placeholders. */
function filled(json: string): string {
  if (planted.size === 0 || !json.includes('"raw:')) return json;
  return json.replaceAll(
    /"(raw:[0-9a-f-]{36})"/g,
    (whole, token: string) => planted.get(token)?.json ?? whole,
  );
}

/** A body as bytes. */
export function bytesOf(body: string): Buffer {
  if (!body.includes('\udcff')) return Buffer.from(body);
  const parts = body.split(/\udcff/u).map((part) => Buffer.from(part));
  return Buffer.concat(parts.flatMap((part, at) => (at === 0 ? [part] : [Buffer.of(0xff), part])));
}

/** A value as `repr` of Python writes it: error messages quote conditions this way. */
export function repr(value: unknown): string {
  if (value === null || value === undefined) return 'None';
  if (value === true) return 'True';
  if (value === false) return 'False';
  if (typeof value === 'string') return `'${value.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
  if (Array.isArray(value)) return `[${value.map(repr).join(', ')}]`;
  if (typeof value === 'object') {
    return `{${Object.entries(value)
      .map(([key, item]) => `${repr(key)}: ${repr(item)}`)
      .join(', ')}}`;
  }
  return String(value);
}

/** A condition as a tuple. */
export function tuple(items: readonly unknown[]): string {
  return `(${items.map(repr).join(', ')})`;
}

/** `json.dumps` of Python: all characters outside ASCII are escaped. */
export function jsonText(value: unknown): string {
  return filled(JSON.stringify(value).replaceAll(/[\u007f-\uffff]/g, escaped));
}

/** A few characters make up most of the escaped ones. */
const escapes = new Map<string, string>();

function escaped(char: string): string {
  const known = escapes.get(char);
  if (known !== undefined) return known;
  const text = `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`;
  escapes.set(char, text);
  return text;
}
