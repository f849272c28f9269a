import type { Queryable } from '../db/connection.ts';
import type { DocumentChanges } from '../db/schema/audit.ts';
import { bc, bcLine } from '../db/schema/documents.ts';
import type { StoredRecord } from '../db/stored.ts';
import { storedRecords } from '../db/stored.ts';
import type { Comparison, PreparedDocument } from './compare.ts';
import { fieldChanges, withoutContents } from './diff.ts';
import type { DocumentModel, MirroredModel } from './model.ts';

/** What the audit trail keeps of a change; to be read before the old content is overwritten. */
export async function auditChanges(
  tx: Queryable,
  model: DocumentModel,
  { header }: PreparedDocument,
  plan: Comparison,
): Promise<DocumentChanges> {
  // A header that was only saved again is told too, since its dates moved with this change.
  const headers =
    plan.headerChanged || plan.touched ? await storedRecords(tx, bc, [header.odooId]) : new Map();
  const old: StoredRecord | undefined = headers.get(header.odooId);
  const oldLines = await storedRecords(
    tx,
    bcLine,
    [...plan.altered, ...plan.removed].map((line) => line.odooId),
  );
  const changed = plan.altered.map((line) => {
    const stored = oldLines.get(line.odooId);
    const before = stored?.fields ?? { id: line.odooId };
    return [String(line.odooId), fieldChanges(before, line.fields, binariesOf(model.line, stored))] as const;
  });
  return {
    ...(old && { header: fieldChanges(old.fields, header.fields, binariesOf(model.header, old)) }),
    ...(plan.added.length === 0
      ? {}
      : { linesAdded: plan.added.map((line) => withoutContents(line.fields, model.line.binaries)) }),
    ...(plan.removed.length === 0
      ? {}
      : {
          linesRemoved: plan.removed.map((line) => {
            const stored = oldLines.get(line.odooId);
            return withoutContents(stored?.fields ?? { id: line.odooId }, binariesOf(model.line, stored));
          }),
        }),
    ...(changed.length === 0 ? {} : { linesChanged: Object.fromEntries(changed) }),
  };
}

/** Binary fields of today, and those that were binary when the record was stored. */
function binariesOf({ binaries }: MirroredModel, stored: StoredRecord | undefined): string[] {
  return [...binaries, ...(stored?.binaries ?? [])];
}
