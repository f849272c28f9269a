import { PythonError, traceback, typeError } from './errors.ts';
import type { OdooVersion } from './fields.ts';
import { Raw } from './planted.ts';
import { WholeFloat } from './reading.ts';

/** Odoo 19 drops what XML 1.0 forbids; 14.0 writes it as it is, and the answer is then not XML. */
const KEPT_CONTROLS = new Set(['\t', '\n', '\r']);

/**
 * Writes an answer as Python's marshaller does, `allow_none` off.
 *
 * @throws PythonError OverflowError for an integer beyond 32 bits, TypeError for None.
 */
export function writeAnswer(value: unknown, version: OdooVersion): string {
  const body = `<params>\n<param>\n<value>${write(value, version)}</value>\n</param>\n</params>`;
  return envelope(body, version);
}

/** A fault: code 1 carries the traceback, the others the message alone. */
export function writeFault(error: PythonError, version: OdooVersion): string {
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

/** Most texts hold no control character at all: looking first is much cheaper than replacing. */
function strip(text: string): string {
  if (!/\p{Cc}/u.test(text)) return text;
  return text.replaceAll(/\p{Cc}/gu, (char) => (char > '\u001f' || KEPT_CONTROLS.has(char) ? char : ''));
}

const escapeXml = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
