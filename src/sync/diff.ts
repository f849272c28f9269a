import { createHash } from 'node:crypto';
import type { FieldChange } from '../db/schema/sync.ts';
import type { OdooRecord } from '../odoo/types.ts';
import { canonicalJson } from './hash.ts';

/** What differs between two versions of a record, field by field. A field that one side lacks counts as null. */
export function fieldChanges(
  before: OdooRecord,
  after: OdooRecord,
  binaries: readonly string[],
): Record<string, FieldChange> {
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])];
  const changed = names.filter((name) => canonicalJson(before[name]) !== canonicalJson(after[name]));
  const told = (record: OdooRecord, name: string) =>
    (binaries.includes(name) ? digest(record[name]) : record[name]) ?? null;
  return Object.fromEntries(
    changed.map((name) => [name, { old: told(before, name), new: told(after, name) }]),
  );
}

/** A record as the audit trail keeps it: contents of binary fields only by size and digest. */
export function withoutContents(record: OdooRecord, binaries: readonly string[]): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(record).map(([name, value]) => [name, binaries.includes(name) ? digest(value) : value]),
  );
}

function digest(value: unknown): unknown {
  if (typeof value !== 'string') return value;
  const content = Buffer.from(value, 'base64');
  return { bytes: content.length, sha256: createHash('sha256').update(content).digest('hex') };
}
