import { isUtf8 } from 'node:buffer';
import { isRemovedControl, utf8Text, withoutControls } from './text.ts';

const NEWLINE = 10;

/** ASCII that is looked for again and again. */
export function literal(text: string): DataView {
  return new DataView(new TextEncoder().encode(text).buffer);
}

/**
 * An answer, read from front to back. All of it but text is ASCII, so only text with other characters is decoded:
 * to decode the whole takes as long as to read it, and doubles the room of every text that is cut from it.
 */
export class XmlBytes {
  /** Where reading goes on. */
  position = 0;
  readonly view: DataView;
  readonly #bytes: Buffer;
  /** Whether all of it is. */
  readonly isUtf8: boolean;
  /** One character for each byte. */
  readonly #characters: string;

  constructor(bytes: Buffer) {
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    this.#bytes = bytes;
    this.isUtf8 = isUtf8(bytes);
    this.#characters = bytes.toString('latin1');
  }

  /** Whether this stands at `at`. */
  has(wanted: DataView, at: number): boolean {
    return this.#same(wanted, 0, at, wanted.byteLength);
  }

  /** Passes over this, and over a newline before it. False: it is not here, and nothing happened. */
  take(wanted: DataView): boolean {
    const { position, view } = this;
    const at = position < view.byteLength && view.getUint8(position) === NEWLINE ? position + 1 : position;
    if (!this.has(wanted, at)) return false;
    this.position = at + wanted.byteLength;
    return true;
  }

  /** Passes over the same bytes as stand from `from` to `to`. False: others stand here, and nothing happened. */
  takeAgain({ from, to }: { readonly from: number; readonly to: number }): boolean {
    if (!this.#same(this.view, from, this.position, to - from)) return false;
    this.position += to - from;
    return true;
  }

  /** Where a character stands next; -1: nowhere. */
  find(character: string): number {
    return this.#characters.indexOf(character, this.position);
  }

  /** Bytes that are known to be ASCII. */
  ascii(start: number, end: number): string {
    return this.#characters.slice(start, end);
  }

  /** Passes over text up to `end`, and gives it without control characters. Entities are left as they are. */
  textTo(end: number): string {
    const start = this.position;
    this.position = end;
    let isAscii = true;
    let isClean = true;
    for (let at = start; at < end; at++) {
      const byte = this.view.getUint8(at);
      if (byte > 127) isAscii = false;
      else if (isRemovedControl(byte)) isClean = false;
    }
    const text = isAscii ? this.ascii(start, end) : this.decoded(start, end);
    return isClean ? text : withoutControls(text);
  }

  /** Bytes of any text; `BAD_BYTES` where they are not UTF-8. */
  decoded(start: number, end: number): string {
    return this.isUtf8
      ? this.#bytes.toString('utf8', start, end)
      : utf8Text(this.#bytes.subarray(start, end));
  }

  #same(other: DataView, from: number, at: number, length: number): boolean {
    const { view } = this;
    if (at + length > view.byteLength) return false;
    let done = 0;
    for (; done + 4 <= length; done += 4)
      if (other.getInt32(from + done) !== view.getInt32(at + done)) return false;
    for (; done < length; done++) if (other.getUint8(from + done) !== view.getUint8(at + done)) return false;
    return true;
  }
}

/** Reads tag by tag, however they are laid out. All throw what `malformed` builds. */
export class XmlTags {
  readonly malformed: Malformed;
  readonly #xml: XmlBytes;

  constructor(xml: XmlBytes, malformed: Malformed) {
    this.#xml = xml;
    this.malformed = malformed;
  }

  /** Text up to the next tag. */
  text(): string {
    return this.#xml.textTo(this.#find('<'));
  }

  /** The tag that starts here, without its brackets. */
  tag(): string {
    const end = this.#find('>');
    this.#xml.position++;
    const tag = this.#xml.textTo(end);
    this.#xml.position++;
    return tag;
  }

  next(): string {
    if (this.text().trim() !== '') throw this.malformed('the XML has text between tags');
    return this.tag();
  }

  expect(wanted: string): void {
    const found = this.next();
    if (found !== wanted) throw this.misplaced(found, wanted);
  }

  /** Text up to the closing tag of `type`. */
  content(type: string): string {
    const text = this.text();
    const closing = this.tag();
    if (closing !== `/${type}`) throw this.misplaced(closing, `/${type}`);
    return text;
  }

  /** Nothing may follow. */
  end(): void {
    if (this.#xml.textTo(this.#xml.view.byteLength).trim() !== '')
      throw this.malformed('the XML goes on after its end');
  }

  misplaced(found: string, wanted: string): Error {
    return this.malformed(`the XML has <${found.slice(0, 40)}> where <${wanted}> belongs`);
  }

  #find(character: string): number {
    const at = this.#xml.find(character);
    if (at < 0) throw this.malformed('the XML is cut off');
    return at;
  }
}

/** Builds the error to throw; it knows which call this answers. */
export type Malformed = (reason: string) => Error;
