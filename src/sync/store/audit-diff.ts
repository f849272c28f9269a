import { createHash } from 'node:crypto';
import type { StoredLine, StoredRecord } from '../../db/documents/stored-documents.ts';
import type { RecordToStore } from '../../db/documents/writes.ts';
import type { DocumentChanges, FieldChange } from '../../db/schema/audit.ts';
import type { OdooRecord, OdooValue } from '../../odoo/types.ts';
import type { Comparison, DocumentModel, MirroredModel, PreparedDocument } from '../types.ts';
import { isSame } from './content-hash.ts';

/** Compares two versions of a record field by field. A missing field counts as null. */
export function fieldChanges(
  before: OdooRecord,
  after: OdooRecord,
  binaries: readonly string[],
): Record<string, FieldChange> {
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])];
  const changed = names.filter((name) => !isSame(own(before, name), own(after, name)));
  const audited = (record: OdooRecord, name: string) =>
    (binaries.includes(name) ? digest(own(record, name)) : own(record, name)) ?? null;
  return Object.fromEntries(
    changed.map((name) => [name, { old: audited(before, name), new: audited(after, name) }]),
  );
}

/** The value of a field. Inherited members such as `constructor` are not fields. */
export function own(record: OdooRecord | undefined, name: string): OdooValue | undefined {
  return record !== undefined && Object.hasOwn(record, name) ? record[name] : undefined;
}

/** A record as the audit trail keeps it: contents of binary fields only by size and digest. */
function withoutContents(record: OdooRecord, binaries: readonly string[]): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(record).map(([name, value]) => [name, binaries.includes(name) ? digest(value) : value]),
  );
}

function digest(value: unknown): unknown {
  if (typeof value !== 'string') return value;
  const content = Buffer.from(value, 'base64');
  return { bytes: content.length, sha256: createHash('sha256').update(content).digest('hex') };
}

/** Records before a change, by id. */
interface Before {
  readonly headers: ReadonlyMap<number, StoredRecord>;
  readonly lines: ReadonlyMap<number, StoredRecord>;
}

/** The lines whose old content the audit trail needs. */
export function toldLines({ altered, removed, former }: Comparison): number[] {
  return [...altered, ...removed, ...(former ?? [])].map((line) => line.odooId);
}

/** The audit trail also needs a header that was saved without a change of content, because its dates changed. */
export function isHeaderTold({ headerChanged, touched }: Comparison): boolean {
  return headerChanged || touched;
}

/** The audit entry of a change. */
export function auditChanges(
  model: DocumentModel,
  { header }: PreparedDocument,
  plan: Comparison,
  before: Before,
): DocumentChanges {
  const old = isHeaderTold(plan) ? before.headers.get(header.odooId) : undefined;
  const changed = plan.altered.map((line) => {
    const stored = before.lines.get(line.odooId);
    const fields = stored?.fields ?? { id: line.odooId };
    return [
      String(line.odooId),
      fieldChanges(fields, fieldsOf(line), binariesOf(model.line, stored)),
    ] as const;
  });
  return {
    ...(old && { header: fieldChanges(old.fields, fieldsOf(header), binariesOf(model.header, old)) }),
    ...(plan.added.length === 0
      ? {}
      : { linesAdded: plan.added.map((line) => withoutContents(fieldsOf(line), model.line.binaries)) }),
    ...(plan.removed.length === 0
      ? {}
      : {
          linesRemoved: plan.removed.map((line) => lastContent(model, line, before)),
        }),
    ...(changed.length === 0 ? {} : { linesChanged: Object.fromEntries(changed) }),
  };
}

/** The audit entry that ends a document whose id Odoo gave to another one: its last content, and no new one. */
export function auditEnd(
  model: DocumentModel,
  { header }: PreparedDocument,
  { former, kept }: Comparison,
  before: Before,
): DocumentChanges {
  const old = before.headers.get(header.odooId);
  const lines = (former ?? []).filter((line) => !kept.includes(line));
  return {
    reason: 'replaced',
    ...(old && { header: fieldChanges(old.fields, NO_FIELDS, binariesOf(model.header, old)) }),
    ...(lines.length === 0 ? {} : { linesRemoved: lines.map((line) => lastContent(model, line, before)) }),
  };
}

const NO_FIELDS = {} as OdooRecord;

function lastContent({ line: model }: DocumentModel, line: StoredLine, { lines }: Before) {
  const stored = lines.get(line.odooId);
  return withoutContents(stored?.fields ?? { id: line.odooId }, binariesOf(model, stored));
}

const fieldsOf = ({ json }: RecordToStore): OdooRecord => JSON.parse(json);

/** The fields that are binary now, or were binary when the record was stored. */
function binariesOf({ binaries }: MirroredModel, stored: StoredRecord | undefined): string[] {
  return [...binaries, ...(stored?.binaries ?? [])];
}
