import { z } from 'zod';
import type { CallSite } from './errors.ts';
import { OdooMalformedError } from './errors.ts';
import type { OdooFieldDescription, OdooFields, OdooRecord, OdooValue } from './types.ts';

/** The checks that make a decoded answer what its call promises. All throw OdooMalformedError. */

const id = z.int().positive();
const ids = z.array(id);
const count = z.int().nonnegative();
const described = z.record(z.string(), z.looseObject({ type: z.string(), string: z.string() }));

export function uidOf(site: CallSite, value: OdooValue): number {
  return checked(site, id, value, 'a user id');
}

export function idsOf(site: CallSite, value: OdooValue): number[] {
  return checked(site, ids, value, 'a list of ids');
}

export function countOf(site: CallSite, value: OdooValue): number {
  return checked(site, count, value, 'a count');
}

export function recordsOf(site: CallSite, value: OdooValue): OdooRecord[] {
  if (!Array.isArray(value) || !value.every(isRecord)) throw unexpected(site, 'a list of records with an id');
  return value;
}

/** Adds the name, which Odoo 14.0 does not send. Attributes without a value are not sent at all (14.0, 19.0). */
export function fieldsOf(site: CallSite, value: OdooValue): OdooFields {
  const fields = checked(site, described, value, 'field descriptions');
  return Object.fromEntries(
    Object.entries(fields).map(([name, field]) => [name, { ...field, name } as OdooFieldDescription]),
  );
}

export function member(site: CallSite, value: OdooValue, name: string): OdooValue {
  const members: Readonly<Record<string, OdooValue>> = Object(value);
  const found = members[name];
  if (found === undefined) throw unexpected(site, `an object with ${name}`);
  return found;
}

function isRecord(value: OdooValue): value is OdooRecord {
  return typeof value === 'object' && value !== null && 'id' in value && Number.isSafeInteger(value['id']);
}

function checked<T>(site: CallSite, schema: z.ZodType<T>, value: OdooValue, expected: string): T {
  const parsed = schema.safeParse(value);
  if (!parsed.success) throw unexpected(site, expected);
  return parsed.data;
}

function unexpected(site: CallSite, expected: string): OdooMalformedError {
  return new OdooMalformedError(site, `it is not ${expected}.`);
}
