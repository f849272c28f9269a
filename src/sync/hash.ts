import { createHash } from 'node:crypto';
import type { OdooRecord } from '../odoo/types.ts';

/**
 * Fields that Odoo moves without any change of content: a save with nothing edited stamps them
 * (odoo#259540). They are mirrored, but do not count as a change.
 */
export const BOOKKEEPING: readonly string[] = ['write_date', 'write_uid', '__last_update'];

/** JSON with sorted keys: equal content gives equal text, whichever order Odoo or PostgreSQL kept. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, nested: unknown) =>
    typeof nested === 'object' && nested !== null && !Array.isArray(nested)
      ? Object.fromEntries(Object.entries(nested).sort(([a], [b]) => (a < b ? -1 : 1)))
      : nested,
  );
}

/** SHA-256, in hexadecimal, over everything but the bookkeeping fields. */
export function contentHash(record: OdooRecord): string {
  const content = Object.fromEntries(
    Object.entries(record).filter(([field]) => !BOOKKEEPING.includes(field)),
  );
  return createHash('sha256').update(canonicalJson(content)).digest('hex');
}
