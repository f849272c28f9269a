import { z } from 'zod';
import { Unstorable } from './decoding/text.ts';
import { type CallSite, OdooMalformedError } from './errors.ts';
import type { OdooFieldDescription, OdooFields, OdooRecord, OdooValue } from './types.ts';

/** The checks of decoded answers. All throw OdooMalformedError. */

const isId = (value: unknown): value is number => Number.isSafeInteger(value) && Number(value) > 0;
const id = z.custom<number>(isId);
const ids = z.custom<number[]>((value) => Array.isArray(value) && value.every(isId));
const count = z.int().nonnegative();
const description = z.looseObject({ type: z.string(), string: z.string() });
/** Not a `z.record`, which would drop a field named `__proto__`. */
const described = z.custom<Readonly<Record<string, { readonly translate?: unknown }>>>(
  (value) =>
    typeof value === 'object' &&
    value !== null &&
    !Array.isArray(value) &&
    Object.values(value).every((field) => description.safeParse(field).success),
);

export function uidOf(site: CallSite, value: OdooValue): number {
  return checked(site, id, value, 'a user id');
}

export function idsOf(site: CallSite, value: OdooValue): number[] {
  const odd = Array.isArray(value) ? value.find((item) => !isId(item)) : undefined;
  const excerpt =
    odd === undefined ? '' : `: one is ${odd instanceof Unstorable ? odd.unstorable : asText(odd)}`;
  return checked(site, ids, value, `a list of ids${excerpt}`);
}

export function countOf(site: CallSite, value: OdooValue): number {
  return checked(site, count, value, 'a count');
}

/** One record for each id. An answer may repeat a record if both copies are equal. */
export function recordsOf(site: CallSite, value: OdooValue): OdooRecord[] {
  if (!Array.isArray(value)) throw unexpected(site, 'a list of records with an id');
  const records = new Map<number, OdooRecord>();
  for (const item of value) {
    if (!isRecord(item)) throw unexpected(site, `a list of records with an id: one has ${idAsSent(item)}`);
    const twin = records.get(item.id);
    if (twin !== undefined && JSON.stringify(twin) !== JSON.stringify(item))
      throw new OdooMalformedError(site, `it holds record ${item.id} twice, with different contents.`);
    records.set(item.id, item);
  }
  return [...records.values()];
}

/** Like `recordsOf`, but refuses records that were not requested: a record with the id of another would replace it. */
export function readOf(ids: readonly number[]) {
  const asked = new Set(ids);
  return (site: CallSite, value: OdooValue): OdooRecord[] => {
    const records = recordsOf(site, value);
    const other = records.find((record) => !asked.has(record.id));
    if (other === undefined) return records;
    throw new OdooMalformedError(site, `it holds record ${other.id}, which was not asked for.`);
  };
}

/**
 * Adds the name, which Odoo 14.0 does not send. Attributes without a value are never sent (14.0, 19.0). `translate` is
 * left out if it is false, as it is for most texts.
 */
export function fieldsOf(site: CallSite, value: OdooValue): OdooFields {
  const fields = checked(site, described, value, 'field descriptions');
  return Object.fromEntries(
    Object.entries(fields).map(([name, { translate, ...field }]) => [
      name,
      { ...field, ...(translate === true && { translate }), name } as OdooFieldDescription,
    ]),
  );
}

export function member(site: CallSite, value: OdooValue, name: string): OdooValue {
  const members: Readonly<Record<string, OdooValue>> = Object(value);
  const found = members[name];
  if (found === undefined) throw unexpected(site, `an object with ${name}`);
  return found;
}

/** For the message: what the answer has in place of a record id. */
function idAsSent(value: OdooValue): string {
  const found = Object(value)['id'];
  if (found instanceof Unstorable) return `as id ${found.unstorable}`;
  return found === undefined ? 'none' : `as id ${asText(found)}`;
}

const asText = (value: OdooValue) => JSON.stringify(value).slice(0, 40);

function isRecord(value: OdooValue): value is OdooRecord {
  if (typeof value !== 'object' || value === null || !('id' in value)) return false;
  return isId(value['id']);
}

function checked<T>(site: CallSite, schema: z.ZodType<T>, value: OdooValue, expected: string): T {
  const parsed = schema.safeParse(value);
  if (!parsed.success) throw unexpected(site, expected);
  return parsed.data;
}

function unexpected(site: CallSite, expected: string): OdooMalformedError {
  return new OdooMalformedError(site, `it is not ${expected}.`);
}
