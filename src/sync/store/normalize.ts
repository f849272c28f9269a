import type { Reading } from '../../db/documents/fetch-sequence.ts';
import type { RecordToStore } from '../../db/documents/writes.ts';
import { unstorableIn } from '../../odoo/decoding/text.ts';
import type { OdooRecord } from '../../odoo/types.ts';
import { PasserelleError } from '../../shared/errors.ts';
import { binarySizes } from '../fetch/binary-sizes.ts';
import type { DocumentModel, MirroredModel, PreparedDocument, ReadDocument } from '../types.ts';
import { hashedJson } from './content-hash.ts';

/**
 * A record has a value that the mirror cannot store. The message names the record, the field and the expected type.
 *
 * @fix Correct the value in Odoo, then run `passerelle retry` with the id or number of the BC.
 */
export class InvalidDocumentError extends PasserelleError {
  readonly code = 'invalid_document';
}

/** Every time of the years 1 to 9999, except 29 February. */
const DATE_TIME =
  /^(?!0000)\d{4}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12]\d|3[01])|(?:0[469]|11)-(?:0[1-9]|[12]\d|30)|02-(?:0[1-9]|1\d|2[0-8])) (?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d$/;
const LEAP_DAY = /^(?!0000)\d{4}-02-29 (?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d$/;

/**
 * A BC that was read, prepared for storing except for the contents of its binaries.
 *
 * @throws InvalidDocumentError
 */
export function prepareDocument(
  model: DocumentModel,
  { header, lines, missing }: ReadDocument,
  reading: Reading,
): PreparedDocument {
  const ready = (of: MirroredModel, record: OdooRecord) => prepare(of.name, record, binarySizes(record, of));
  return {
    header: ready(model.header, header),
    lines: lines.map((line) => ready(model.line, line)),
    reading,
    missing,
  };
}

/** Adds to a record the values that the mirror stores beside its fields. */
export function prepare(
  model: string,
  record: OdooRecord,
  sizes: Readonly<Record<string, string>>,
): RecordToStore {
  const bad = unstorableIn(record);
  if (bad !== null) {
    throw new InvalidDocumentError(
      `${model} ${record.id}: ${bad.field} holds ${bad.reason}, which cannot be stored; correct it in Odoo`,
    );
  }
  return {
    odooId: record.id,
    createDate: dateTime(model, record, 'create_date'),
    writeDate: dateTime(model, record, 'write_date'),
    ...hashedJson(record),
    binarySizes: sizes,
  };
}

/** False and absent become null: a model without access log has neither date. */
function dateTime(model: string, record: OdooRecord, field: string): string | null {
  const value = record[field];
  if (value === undefined || value === false || value === null) return null;
  if (typeof value === 'string' && isMoment(value)) return value;
  throw new InvalidDocumentError(
    `${model} ${record.id}: ${field} is ${JSON.stringify(value).slice(0, 60)}, expected "YYYY-MM-DD HH:MM:SS" of the ` +
      'years 1 to 9999, or false',
  );
}

/** Whether the date exists in the calendar. */
function isMoment(text: string): boolean {
  if (DATE_TIME.test(text)) return true;
  return LEAP_DAY.test(text) && isLeapYear(Number(text.slice(0, 4)));
}

function isLeapYear(year: number): boolean {
  return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
}
