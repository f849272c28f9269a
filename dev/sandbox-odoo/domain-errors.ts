import { PythonError, typeError, valueError } from './errors.ts';
import { type FieldDefinition, isNumber, type OdooVersion } from './fields.ts';
import { repr, tuple } from './python-text.ts';
import type { Table } from './store.ts';

/** How each version words a domain it cannot use. Seen on 14.0 and 19.0. */
export function notADomain(version: OdooVersion, domain: unknown): PythonError {
  if (version === '19.0') return typeError(`Domain() invalid argument type for domain: ${repr(domain)}`);
  return assertionError(
    "Domains to normalize must have a 'domain' form: a list or tuple of domain components",
  );
}

export function malformedDomain(version: OdooVersion, domain: unknown): PythonError {
  if (version === '19.0') return valueError(`Domain() malformed domain ${repr(domain)}`);
  return assertionError(`This domain is syntactically not correct: ${repr(domain)}`);
}

export function invalidItem(version: OdooVersion, item: unknown): PythonError {
  if (version === '19.0') return valueError(`Domain() invalid item in domain: ${repr(item)}`);
  return valueError(`Invalid leaf ${Array.isArray(item) ? tuple(item) : repr(item)}`);
}

export function invalidOperator(version: OdooVersion, item: readonly unknown[]): PythonError {
  if (version === '19.0') return valueError(`Invalid operator in condition ${tuple(item)}`);
  return valueError(`Invalid leaf ${tuple(item)}`);
}

export function invalidField(
  version: OdooVersion,
  table: Table,
  name: string,
  item: readonly unknown[],
): PythonError {
  const where = version === '19.0' ? 'condition' : 'leaf';
  return valueError(`Invalid field ${table.definition.name}.${name} in ${where} ${tuple(item)}`);
}

export function notStored(table: Table, name: string): PythonError {
  return valueError(`Cannot convert ${table.definition.name}.${name} to SQL because it is not stored`);
}

/** @throws PythonError when PostgreSQL or Odoo could not read a bound as the field's type. */
export function checkBound(version: OdooVersion, field: FieldDefinition, bound: unknown): void {
  for (const item of Array.isArray(bound) ? bound : [bound]) {
    if (typeof item !== 'string') continue;
    if (field.type === 'datetime' || field.type === 'date') checkDate(version, item);
    else if (isNumber(field) && Number.isNaN(Number(item))) {
      const message = `invalid input syntax for type integer: "${item}"\n`;
      throw new PythonError('psycopg2.errors.InvalidTextRepresentation', message);
    }
  }
}

function checkDate(version: OdooVersion, text: string): void {
  if (/^\d{4}-\d\d-\d\d([ T]\d\d:\d\d(:\d\d(\.\d+)?)?)?$/.test(text)) return;
  if (version === '19.0') throw valueError(`Invalid term '${text}' in expression date: '${text}'`);
  const message = `invalid input syntax for type timestamp: "${text}"\n`;
  throw new PythonError('psycopg2.errors.InvalidDatetimeFormat', message);
}

const assertionError = (message: string) => new PythonError('builtins.AssertionError', message);
