import type { RecordToStore } from '../db/documents.ts';
import type { DocumentChanges } from '../db/schema/audit.ts';
import type { StoredRecord } from '../db/stored.ts';
import type { OdooRecord } from '../odoo/types.ts';
import type { Comparison, PreparedDocument } from './compare.ts';
import { fieldChanges, withoutContents } from './diff.ts';
import type { DocumentModel, MirroredModel } from './model.ts';

/** Records as they were before a change, by id. */
export interface Before {
  readonly headers: ReadonlyMap<number, StoredRecord>;
  readonly lines: ReadonlyMap<number, StoredRecord>;
}

/** The lines whose old content the audit trail tells. */
export function toldLines({ altered, removed }: Comparison): number[] {
  return [...altered, ...removed].map((line) => line.odooId);
}

/** A header that was only saved again is told too, since its dates moved with this change. */
export function isHeaderTold({ headerChanged, touched }: Comparison): boolean {
  return headerChanged || touched;
}

/** What the audit trail keeps of a change. Pure. */
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
          linesRemoved: plan.removed.map((line) => {
            const stored = before.lines.get(line.odooId);
            return withoutContents(stored?.fields ?? { id: line.odooId }, binariesOf(model.line, stored));
          }),
        }),
    ...(changed.length === 0 ? {} : { linesChanged: Object.fromEntries(changed) }),
  };
}

const fieldsOf = ({ json }: RecordToStore): OdooRecord => JSON.parse(json);

/** Binary fields of today, and those that were binary when the record was stored. */
function binariesOf({ binaries }: MirroredModel, stored: StoredRecord | undefined): string[] {
  return [...binaries, ...(stored?.binaries ?? [])];
}
