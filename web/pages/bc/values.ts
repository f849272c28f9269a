import type { Field, Values } from '../../api/answers.ts';
import { bytes, day, minute, money, number } from '../../i18n/format.ts';
import { texts } from '../../i18n/texts.ts';

const MOST_DIGITS = 6;
const NUMBERS: ReadonlySet<string> = new Set(['integer', 'float', 'monetary']);

export const isNumeric = ({ type }: Field): boolean => NUMBERS.has(type);

/** Odoo says `false` for nothing, except in boolean fields. */
export function isEmpty(field: Field | undefined, value: unknown): boolean {
  if (value === null || value === undefined || value === '') return true;
  if (Array.isArray(value)) return value.length === 0;
  // A link without a model of its own says 0 for nothing.
  if (value === 0) return field?.type === 'many2one_reference';
  return value === false && field?.type !== 'boolean';
}

/**
 * A value of Odoo's in words that people read; null where there is nothing.
 *
 * @param record the values beside it: an amount's currency is one of them
 */
export function words(field: Field | undefined, value: unknown, record: Values): string | null {
  if (isEmpty(field, value)) return null;
  return (field === undefined ? null : typed(field, value, record)) ?? plain(value);
}

/** Null where the value is not what the field's type promises: the model may have changed since. */
function typed(field: Field, value: unknown, record: Values): string | null {
  const { type, selection } = field;
  if (typeof value === 'boolean') return value ? texts.value.common.yes : texts.value.common.no;
  if (typeof value === 'number') {
    return type === 'monetary' ? money(value, currencyOf(record)) : ofNumber(field, value);
  }
  if (Array.isArray(value))
    return type === 'many2one' ? plain(value[1]) : texts.value.bc.values.records(value.length);
  if (typeof value !== 'string') return isSummary(value) ? fileWords(value.bytes) : null;
  switch (type) {
    case 'selection':
      return selection?.find(([one]) => one === value)?.[1] ?? value;
    case 'date':
      return /^\d{4}-\d\d-\d\d$/.test(value) ? day(value) : value;
    case 'datetime':
      return ofMoment(value);
    case 'html':
      return textOf(value);
    case 'binary':
      return fileWords(Math.floor((value.length * 3) / 4));
    default:
      return value;
  }
}

/** An id is a name of its own kind: it is not grouped by thousands. */
const ofNumber = ({ name, type }: Field, value: number): string =>
  name === 'id' || type === 'many2one_reference' ? String(value) : number(value, MOST_DIGITS);

/** Odoo writes moments in UTC, without saying so. */
function ofMoment(text: string): string {
  const at = new Date(`${text.replace(' ', 'T')}Z`);
  return Number.isNaN(at.getTime()) ? text : minute(at);
}

function currencyOf(record: Values): string | null {
  const currency: unknown = record['currency_id'];
  const name: unknown = Array.isArray(currency) ? currency[1] : null;
  return typeof name === 'string' ? name : null;
}

/** The text of HTML, without its active parts. */
function textOf(html: string): string {
  const { body } = new DOMParser().parseFromString(html, 'text/html');
  return body.textContent.trim();
}

/** The form of a file in the audit trail. */
const isSummary = (value: unknown): value is { readonly bytes: number } =>
  typeof value === 'object' && value !== null && 'bytes' in value && typeof value.bytes === 'number';

const fileWords = (size: number): string => texts.value.bc.values.file(bytes(size));

const plain = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value));

/** A line of the audit trail is a record, or its id alone. */
export function idOf(line: unknown): string {
  if (typeof line === 'number') return String(line);
  if (typeof line !== 'object' || line === null) return '?';
  return String(('id' in line && line.id) || ('odooId' in line && line.odooId) || '?');
}
