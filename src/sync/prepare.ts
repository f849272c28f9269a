import type { RecordToStore } from '../db/documents.ts';
import { PasserelleError } from '../errors.ts';
import type { OdooRecord } from '../odoo/types.ts';
import { contentHash } from './hash.ts';

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
  if (typeof value === 'string' && DATE_TIME.test(value)) return value;
  throw new InvalidDocumentError(
    `${model} ${record.id}: ${field} is ${JSON.stringify(value)}, expected "YYYY-MM-DD HH:MM:SS" or false`,
  );
}
