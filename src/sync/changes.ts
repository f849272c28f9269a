import type { Queryable } from '../db/connection.ts';
import type { DocumentChanges } from '../db/schema/audit.ts';
import { bc, bcLine } from '../db/schema/documents.ts';
import { storedFields } from '../db/stored.ts';
import type { Comparison, PreparedDocument } from './compare.ts';
import { fieldChanges, withoutContents } from './diff.ts';
import type { DocumentModel } from './model.ts';

/** What the audit trail keeps of a change; to be read before the old content is overwritten. */
export async function auditChanges(
  tx: Queryable,
  model: DocumentModel,
  { header }: PreparedDocument,
  plan: Comparison,
): Promise<DocumentChanges> {
  const { binaries } = model.line;
  // A header that was only saved again is told too, since its dates moved with this change.
  const headers =
    plan.headerChanged || plan.touched ? await storedFields(tx, bc, [header.odooId]) : new Map();
  const old = headers.get(header.odooId);
  const oldLines = await storedFields(
    tx,
    bcLine,
    [...plan.altered, ...plan.removed].map((line) => line.odooId),
  );
  const changed = plan.altered.map((line) => {
    const stored = oldLines.get(line.odooId) ?? { id: line.odooId };
    return [String(line.odooId), fieldChanges(stored, line.fields, binaries)] as const;
  });
  return {
    ...(old === undefined ? {} : { header: fieldChanges(old, header.fields, model.header.binaries) }),
    ...(plan.added.length === 0
      ? {}
      : { linesAdded: plan.added.map((line) => withoutContents(line.fields, binaries)) }),
    ...(plan.removed.length === 0
      ? {}
      : {
          linesRemoved: plan.removed.map((line) =>
            withoutContents(oldLines.get(line.odooId) ?? { id: line.odooId }, binaries),
          ),
        }),
    ...(changed.length === 0 ? {} : { linesChanged: Object.fromEntries(changed) }),
  };
}
