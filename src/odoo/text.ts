import { isAscii, isUtf8 } from 'node:buffer';
import { BAD_BYTES } from './unstorable.ts';

/** 0 to 31 except tab, newline and carriage return: what Odoo 19 removes from text in XML-RPC. */
const removed = Array.from({ length: 32 }, (_, code) => code).filter((code) => ![9, 10, 13].includes(code));
const controls = new RegExp(`[${removed.map((code) => String.fromCharCode(code)).join('')}]`, 'g');

/**
 * Text without the control characters that XML 1.0 forbids. Odoo 19 removes them in XML-RPC answers
 * (`addons/rpc/controllers/xmlrpc.py`, CONTROL_CHARACTERS), Odoo 14 sends them raw, JSON escapes them:
 * every transport removes this one set, so that the same record reads the same.
 */
export function withoutControls(text: string): string {
  return text.replace(controls, '');
}

export function isRemovedControl(code: number): boolean {
  return code < 32 && code !== 9 && code !== 10 && code !== 13;
}

const BYTE_ORDER_MARK = Buffer.from('\ufeff');
const REPLACEMENT = Buffer.from('\ufffd');

/** A body without the mark that some servers put before UTF-8. */
export function withoutMark(bytes: Buffer): Buffer {
  const marked = bytes.subarray(0, BYTE_ORDER_MARK.length).equals(BYTE_ORDER_MARK);
  return marked ? bytes.subarray(BYTE_ORDER_MARK.length) : bytes;
}

/** Bytes as text. What is not UTF-8 becomes `BAD_BYTES`; a replacement character that was sent stays one. */
export function utf8Text(bytes: Buffer): string {
  if (isAscii(bytes)) return bytes.toString('latin1');
  if (isUtf8(bytes)) return bytes.toString();
  const parts: string[] = [];
  for (let from = 0, to = 0; to >= 0; from = to + REPLACEMENT.length) {
    to = bytes.indexOf(REPLACEMENT, from);
    const part = bytes.toString('utf8', from, to < 0 ? bytes.length : to);
    parts.push(part.replaceAll('\ufffd', BAD_BYTES));
  }
  return parts.join('\ufffd');
}
