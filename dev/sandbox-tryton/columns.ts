import { digitsBehindPoint, numeral } from './decimals.ts';
import { pythonError, userError } from './errors.ts';
import type { FieldDefinition, Row } from './fields.ts';
import type { Store } from './store.ts';
import type { Value } from './values.ts';
import { bytes, bytesOf, decimal, tagOf, wordOf } from './values.ts';
import { wordingOf } from './wording.ts';

/** A value as the database keeps it. @throws ServerException for one of the wrong type. */
export function column(store: Store, field: FieldDefinition, value: Value): Value {
  if (value === null) return null;
  switch (field.type) {
    case 'integer':
    case 'many2one':
      return wholeNumber(value);
    case 'float':
      return Number(numeral(value));
    case 'numeric':
      return amount(value);
    case 'char':
    case 'text':
      if (typeof value !== 'string' && store.version === '5.0') throw pythonError('');
      return typeof value === 'string' ? value : wordOf(value);
    case 'binary':
      return content(store, value);
    case 'date':
    case 'timestamp':
      return moment(value);
    default:
      return value;
  }
}

function wholeNumber(value: Value): Value {
  if (typeof value === 'string' && !/^\s*[+-]?\d+\s*$/.test(value))
    throw pythonError(`invalid literal for int() with base 10: '${value}'`);
  return Number(value);
}

function amount(value: Value): Value {
  const digits = numeral(value);
  if (digits === null) throw pythonError("[<class 'decimal.ConversionSyntax'>]");
  return decimal(digits);
}

function content(store: Store, value: Value): Value {
  const given = bytesOf(value);
  if (given !== null) return bytes(given);
  const what = store.version === '5.0' ? 'Unicode-objects' : 'Strings';
  throw pythonError(`${what} must be encoded before hashing`);
}

function moment(value: Value): Value {
  if (tagOf(value) === 'date' || tagOf(value) === 'datetime') return value;
  throw pythonError(`invalid input syntax for type date: "${wordOf(value)}"\n`);
}

/** Refuses a row that breaks a rule of its model, in the server's words. */
export function check(store: Store, model: string, row: Row): void {
  const { definition, fields } = store.table(model);
  const words = wordingOf(store.version);
  const refuse = (text: string) => {
    throw userError(store.version, text);
  };
  for (const [name, field] of fields) {
    if (field.compute || name in AUTOMATIC_ONLY) continue;
    const place = () => ({
      model,
      modelString: definition.string,
      field: field.string,
      record: store.recName(model, row),
    });
    const value = row[name] ?? null;
    if (value === null || value === '') {
      if (field.required) refuse(words.required(place()));
      continue;
    }
    if (field.type === 'many2one' && !store.row(field.relation ?? '', value))
      refuse(words.unknownTarget(place(), wordOf(value)));
    if (field.type === 'selection' && !field.selection?.some(([choice]) => choice === value))
      refuse(words.selection(place(), wordOf(value)));
    const most = field.digits?.[1] ?? 0;
    if (field.type === 'numeric' && digitsBehindPoint(value) > most)
      refuse(words.digits(place(), wordOf(value), most));
  }
  const broken = brokenRule(store, model, row);
  if (broken !== null) refuse(broken);
}

const AUTOMATIC_ONLY = { id: 1, create_uid: 1, create_date: 1, write_uid: 1, write_date: 1 };

function brokenRule(store: Store, model: string, row: Row): string | null {
  const { definition, rows } = store.table(model);
  const same = (other: Row, names: readonly string[]) =>
    names.every((name) => JSON.stringify(other[name] ?? null) === JSON.stringify(row[name] ?? null));
  const broken = definition.unique?.find(({ fields }) =>
    [...rows.values()].some((other) => other.id !== row.id && same(other, fields)),
  );
  return broken?.words ?? definition.check?.(row, store) ?? null;
}
