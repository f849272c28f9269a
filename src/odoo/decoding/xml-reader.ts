import { isUtf8 } from 'node:buffer';
import { isRemovedControl, utf8Text, withoutControls } from './text.ts';

const NEWLINE = 10;

/** An ASCII text that is compared often. */
export function literal(text: string): DataView {
  return new DataView(new TextEncoder().encode(text).buffer);
}

/**
 * Reads an answer from start to end. Its tags are ASCII, so only text with other characters is decoded: to decode the
 * whole answer would take as long as to read it, and would double the memory of every text in it.
 */
export class XmlBytes {
  /** The present position. */
  position = 0;
  readonly view: DataView;
  readonly #bytes: Buffer;
  /** Whether the whole answer is UTF-8. */
  readonly isUtf8: boolean;
  /** One character per byte. */
  readonly #characters: string;

  constructor(bytes: Buffer) {
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    this.#bytes = bytes;
    this.isUtf8 = isUtf8(bytes);
    this.#characters = bytes.toString('latin1');
  }

  /** Whether this text is at `at`. */
  has(wanted: DataView, at: number): boolean {
    return this.#same(wanted, 0, at, wanted.byteLength);
  }

  /** Reads this text, and a newline before it. False: it is not here, and nothing was read. */
  take(wanted: DataView): boolean {
    const { position, view } = this;
    const at = position < view.byteLength && view.getUint8(position) === NEWLINE ? position + 1 : position;
    if (!this.has(wanted, at)) return false;
    this.position = at + wanted.byteLength;
    return true;
  }

  /** Reads the same bytes as those from `from` to `to`. False: the next bytes differ, and nothing was read. */
  takeAgain({ from, to }: { readonly from: number; readonly to: number }): boolean {
    if (!this.#same(this.view, from, this.position, to - from)) return false;
    this.position += to - from;
    return true;
  }

  /** The next position of a character, or -1. */
  find(character: string): number {
    return this.#characters.indexOf(character, this.position);
  }

  /** Bytes that are known to be ASCII. */
  ascii(start: number, end: number): string {
    return this.#characters.slice(start, end);
  }

  /** Reads the text up to `end`, without control characters. Entities are kept as they are. */
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

  /** The text of any bytes, with `BAD_BYTES` in place of invalid UTF-8. */
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

/** Reads tag by tag, in any layout. Every error is built by `malformed`. */
export class XmlTags {
  readonly malformed: Malformed;
  readonly #xml: XmlBytes;

  constructor(xml: XmlBytes, malformed: Malformed) {
    this.#xml = xml;
    this.malformed = malformed;
  }

  /** The text before the next tag. */
  text(): string {
    return this.#xml.textTo(this.#find('<'));
  }

  /** The tag at the present position, without its brackets. */
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

  /** The text up to the end tag of `type`. */
  content(type: string): string {
    const text = this.text();
    const closing = this.tag();
    if (closing !== `/${type}`) throw this.misplaced(closing, `/${type}`);
    return text;
  }

  /** @throws if anything but white space follows. */
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

/** Builds the error to throw; it knows which call was answered. */
export type Malformed = (reason: string) => Error;
