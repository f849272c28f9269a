import type { Database } from '../db/connection.ts';
import { bc, bcLine } from '../db/schema/documents.ts';
import type { OdooClient, OdooRecord } from '../odoo/types.ts';
import type { DocumentPayload } from '../queues/bc.ts';
import { binarySizes, fillBinaries } from './binaries.ts';
import type { PreparedDocument } from './compare.ts';
import type { DocumentModel, MirroredModel } from './model.ts';
import { prepare } from './prepare.ts';
import { promisedInAll } from './size-text.ts';

/** What the contents of a BC's binaries will weigh in memory, in bytes. */
export function contentBytes({ header, line }: DocumentModel, document: DocumentPayload): number {
  const lines = document.lines.map((record) => promisedInAll(binarySizes(record, line)));
  return lines.reduce((sum, bytes) => sum + bytes, promisedInAll(binarySizes(document.header, header)));
}

/**
 * A reading made ready to be stored, contents of binaries included.
 *
 * @throws InvalidDocumentError, ContentGoneError, and what the Odoo client throws.
 */
export async function complete(
  db: Database,
  odoo: OdooClient,
  model: DocumentModel,
  { header, lines, fetchSeq, fetchedAt }: DocumentPayload,
): Promise<PreparedDocument> {
  const [full = header] = await fillBinaries(db, odoo, { model: model.header, table: bc }, [header]);
  const fullLines = await fillBinaries(db, odoo, { model: model.line, table: bcLine }, lines);
  const ready = (of: MirroredModel, record: OdooRecord, read: OdooRecord) =>
    prepare(of.name, record, binarySizes(read, of));
  return {
    header: ready(model.header, full, header),
    lines: fullLines.map((line, index) => ready(model.line, line, lines[index] ?? line)),
    reading: { fetchSeq, fetchedAt },
  };
}
