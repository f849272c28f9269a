import { randomUUID } from 'node:crypto';

const planted = new Map<string, Raw>();

/**
 * A value exactly as it goes over the wire, which no encoder would write: `NaN` bare in JSON, for one. The character
 * U+DCFF in it is sent as the byte 0xFF, which is not UTF-8.
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
  /** Stands for the value until `filled` puts it in. */
  toJSON(): string {
    return this.#token;
  }
}

/** JSON with the raw values in place of their placeholders. */
export function filled(json: string): string {
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
