import type { RecordToStore } from '../db/documents.ts';
import { PasserelleError } from '../errors.ts';
import type { OdooRecord } from '../odoo/types.ts';
import { unstorableIn } from '../odoo/unstorable.ts';
import { contentHash } from './hash.ts';
import { odooDateTime } from './window.ts';

/** A record that is not what the mirror can store: names the record, the field and what was expected. */
export class InvalidDocumentError extends PasserelleError {
  override readonly name = 'InvalidDocumentError';
  readonly code = 'invalid_document';
}

const DATE_TIME = /^\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2}$/;

/** Adds to a record what the mirror needs beside its fields. */
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
    fields: record,
    createDate: dateTime(model, record, 'create_date'),
    writeDate: dateTime(model, record, 'write_date'),
    contentHash: contentHash(record),
    binarySizes: sizes,
  };
}

/** False and absent are null: a model without access log has neither date. */
function dateTime(model: string, record: OdooRecord, field: string): string | null {
  const value = record[field];
  if (value === undefined || value === false || value === null) return null;
  if (typeof value === 'string' && isMoment(value)) return value;
  throw new InvalidDocumentError(
    `${model} ${record.id}: ${field} is ${JSON.stringify(value).slice(0, 60)}, expected "YYYY-MM-DD HH:MM:SS" of the ` +
      'years 1 to 9999, or false',
  );
}

/** A moment that the calendar has; what it does not have (30 February) comes back from a `Date` as another one. */
function isMoment(text: string): boolean {
  if (!DATE_TIME.test(text) || text.startsWith('0000')) return false;
  const moment = new Date(`${text.replace(' ', 'T')}Z`);
  return !Number.isNaN(moment.getTime()) && odooDateTime(moment) === text;
}
