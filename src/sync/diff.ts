import { createHash } from 'node:crypto';
import type { FieldChange } from '../db/schema/audit.ts';
import type { OdooRecord, OdooValue } from '../odoo/types.ts';
import { isSame } from './hash.ts';

/** What differs between two versions of a record, field by field. A field that one side lacks counts as null. */
export function fieldChanges(
  before: OdooRecord,
  after: OdooRecord,
  binaries: readonly string[],
): Record<string, FieldChange> {
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])];
  const changed = names.filter((name) => !isSame(own(before, name), own(after, name)));
  const told = (record: OdooRecord, name: string) =>
    (binaries.includes(name) ? digest(own(record, name)) : own(record, name)) ?? null;
  return Object.fromEntries(
    changed.map((name) => [name, { old: told(before, name), new: told(after, name) }]),
  );
}

/** A field's value. What every object inherits (`constructor`) is no field. */
export function own(record: OdooRecord | undefined, name: string): OdooValue | undefined {
  return record !== undefined && Object.hasOwn(record, name) ? record[name] : undefined;
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
