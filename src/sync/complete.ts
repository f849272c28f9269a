import type { Database } from '../db/connection.ts';
import type { RecordToStore } from '../db/documents.ts';
import { nextFetchSeq } from '../db/documents.ts';
import { bc, bcLine } from '../db/schema/documents.ts';
import type { OdooClient, OdooRecord } from '../odoo/types.ts';
import { fillBinaries } from './binaries.ts';
import type { PreparedDocument } from './compare.ts';
import type { DocumentModel, MirroredModel } from './model.ts';
import { prepare } from './prepare.ts';
import { promisedInAll } from './size-text.ts';

/** Whether a record has contents that were not read with it. */
export const hasContents = ({ binarySizes }: RecordToStore) => Object.keys(binarySizes).length > 0;

/** What the contents of a BC's binaries will weigh in memory, in bytes. */
export function contentBytes({ header, lines }: PreparedDocument): number {
  return lines.reduce(
    (sum, { binarySizes }) => sum + promisedInAll(binarySizes),
    promisedInAll(header.binarySizes),
  );
}

/**
 * A BC with the contents of its binaries. Its reading ends with theirs.
 *
 * @throws InvalidDocumentError, ContentGoneError, and what the Odoo client throws.
 */
export async function complete(
  db: Database,
  odoo: OdooClient,
  model: DocumentModel,
  document: PreparedDocument,
): Promise<PreparedDocument> {
  if (![document.header, ...document.lines].some(hasContents)) return document;
  const [header = document.header] = await filled(db, odoo, { model: model.header, table: bc }, [
    document.header,
  ]);
  const lines = await filled(db, odoo, { model: model.line, table: bcLine }, document.lines);
  return { ...document, header, lines, reading: { ...document.reading, endSeq: await nextFetchSeq(db) } };
}

async function filled(
  db: Database,
  odoo: OdooClient,
  of: { readonly model: MirroredModel; readonly table: typeof bc | typeof bcLine },
  records: readonly RecordToStore[],
): Promise<readonly RecordToStore[]> {
  const holders = records.filter(hasContents);
  if (holders.length === 0) return records;
  const read = holders.map(({ json }): OdooRecord => JSON.parse(json));
  const full = await fillBinaries(db, odoo, of, read);
  const ready = new Map(
    holders.map((holder, at) => [
      holder.odooId,
      prepare(of.model.name, full[at] ?? { id: holder.odooId }, holder.binarySizes),
    ]),
  );
  return records.map((record) => ready.get(record.odooId) ?? record);
}
