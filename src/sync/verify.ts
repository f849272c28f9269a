import type { Database } from '../db/connection.ts';
import { listFields } from '../db/fields.ts';
import type { Counted } from '../db/integrity.ts';
import { duplicates, openItemsOfEndedRuns, orphanLines } from '../db/integrity.ts';
import { readState } from '../db/lease.ts';
import { countRereads } from '../db/model-changes.ts';
import { bc, bcLine } from '../db/schema/documents.ts';
import type { Domain, OdooClient } from '../odoo/types.ts';
import type { DocumentDefinition } from './document.ts';
import type { FindingKind, Verification } from './findings.ts';
import { Findings } from './findings.ts';
import type { DocumentModel } from './model.ts';
import { describeDocument, isModelChange } from './model.ts';
import { modelDiff } from './model-diff.ts';
import { verifyModel } from './verify-model.ts';

export interface VerifySource {
  readonly db: Database;
  readonly odoo: OdooClient;
  readonly definition: DocumentDefinition;
  /** Records asked of Odoo in one call. */
  readonly pageSize: number;
}

/**
 * Compares the mirror with Odoo in full, and checks the mirror in itself. Memory stays flat: one slice of Odoo's
 * records, a few rows of the mirror, a few examples.
 *
 * What changes in Odoo after the last run counts as a difference. A field that vanishes meanwhile costs a second
 * start. Throws what the Odoo client throws.
 */
export async function verifyMirror(
  source: VerifySource,
  onProgress: (compared: number, total: number) => void,
): Promise<Verification> {
  try {
    return await verifyOnce(source, onProgress);
  } catch (error) {
    if (!isModelChange(error)) throw error;
    return verifyOnce(source, onProgress);
  }
}

async function verifyOnce(
  source: VerifySource,
  onProgress: (compared: number, total: number) => void,
): Promise<Verification> {
  const { db, odoo, definition } = source;
  const model = await describeDocument(odoo, definition);
  // A line without a BC is part of no document: it is not mirrored.
  const withBc: Domain = [[model.inverse, '!=', false]];
  const total =
    (await odoo.searchCount(model.header.name, [])) + (await odoo.searchCount(model.line.name, withBc));
  const findings = new Findings();
  let compared = 0;
  const advance = (by: number) => {
    compared += by;
    onProgress(compared, total);
  };
  const headers = await verifyModel(
    source,
    { model: model.header, table: bc, domain: [], inverse: null },
    findings,
    advance,
  );
  const lines = await verifyModel(
    source,
    { model: model.line, table: bcLine, domain: withBc, inverse: model.inverse },
    findings,
    advance,
  );
  await checkIntegrity(db, definition, findings);
  return findings.result({ headers, lines, modelChanges: await unreadChanges(db, definition, model) });
}

/** Changes of the model that a full run is still to read after: those noted, and those that the next plan will note. */
async function unreadChanges(
  db: Database,
  { key }: DocumentDefinition,
  { header, line }: DocumentModel,
): Promise<number> {
  const modelRead = (await readState(db, key))?.modelRead ?? 0;
  let unread = await countRereads(db, [header.name, line.name], modelRead);
  for (const { name, fields } of [header, line]) {
    const known = await listFields(db, name);
    if (known.length > 0) unread += modelDiff(known, fields).filter(({ reread }) => reread).length;
  }
  return unread;
}

/** What can be wrong with the mirror whatever Odoo says. Hashes are checked row by row with the comparison. */
async function checkIntegrity(
  db: Database,
  { model, lineModel }: DocumentDefinition,
  findings: Findings,
): Promise<void> {
  const add = (kind: FindingKind, name: string, { total, first }: Counted) =>
    findings.addAll(
      kind,
      total,
      first.map((example) => ({ model: name, ...example })),
    );
  add('duplicates', model, await duplicates(db, bc));
  add('duplicates', lineModel, await duplicates(db, bcLine));
  add('orphanLines', lineModel, await orphanLines(db));
  add('openItems', model, await openItemsOfEndedRuns(db));
}
