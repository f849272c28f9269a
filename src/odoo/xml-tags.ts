import type { Malformed } from './xml.ts';
import type { XmlBytes } from './xml-bytes.ts';

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
