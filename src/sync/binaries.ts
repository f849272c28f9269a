import type { Database } from '../db/connection.ts';
import type { bc, bcLine } from '../db/schema/documents.ts';
import { storedBinaries, storedFields } from '../db/stored.ts';
import type { OdooClient, OdooRecord } from '../odoo/types.ts';
import type { MirroredModel } from './model.ts';
import { odooDateTime } from './window.ts';

/** `1.43 Kb`, `12.00 bytes`: what Odoo's `human_size` writes (14.0, 19.0). */
const SIZE_TEXT = /^\d+(\.\d+)? (bytes|kb|mb|gb|tb)$/i;

/** Contents read in one call: each may be megabytes. */
const CONTENTS_PER_CALL = 10;

/** The size texts among a record's binary fields, by field. Empty binaries (`false`) are not among them. */
export function binarySizes(record: OdooRecord, model: MirroredModel): Record<string, string> {
  const sizes = model.binaries.map((field) => [field, record[field]] as const);
  return Object.fromEntries(
    sizes.filter(
      (entry): entry is [string, string] => typeof entry[1] === 'string' && SIZE_TEXT.test(entry[1]),
    ),
  );
}

/**
 * `write_date` has whole seconds: a content read this soon after it may have been replaced within the same second.
 * A minute also covers clocks that differ a little.
 */
const SETTLED_MS = 60_000;

/**
 * Puts contents where pages carry size texts. A content is taken from the mirror when the record's `write_date`
 * and its size text are those it was read with, and had settled then; else it is read from Odoo.
 *
 * Limit: a computed, unstored binary that changes without changing its size text or the record goes unnoticed.
 */
export async function fillBinaries(
  db: Database,
  odoo: OdooClient,
  { model, table }: { model: MirroredModel; table: typeof bc | typeof bcLine },
  records: readonly OdooRecord[],
): Promise<OdooRecord[]> {
  const holders = records.filter((record) => Object.keys(binarySizes(record, model)).length > 0);
  if (holders.length === 0) return [...records];
  const known = await knownContents(db, table, model, holders);
  const unknown = holders.filter((record) => !known.has(record.id)).map((record) => record.id);
  const read = await readContents(odoo, model, unknown);
  return records.map((record) => ({ ...record, ...(known.get(record.id) ?? read.get(record.id)) }));
}

type Contents = Record<string, OdooRecord[string]>;

/** Contents that the mirror has and that have not changed since. */
async function knownContents(
  db: Database,
  table: typeof bc | typeof bcLine,
  model: MirroredModel,
  holders: readonly OdooRecord[],
): Promise<Map<number, Contents>> {
  const stored = await storedBinaries(
    db,
    table,
    holders.map((record) => record.id),
  );
  const unchanged = holders.filter((record) => {
    const before = stored.get(record.id);
    const sizes = binarySizes(record, model);
    return (
      before?.writeDate != null &&
      before.fetchedAt.getTime() - before.writeDate.getTime() >= SETTLED_MS &&
      odooDateTime(before.writeDate) === record['write_date'] &&
      Object.entries(sizes).every(([field, size]) => before.sizes[field] === size)
    );
  });
  const fields = await storedFields(
    db,
    table,
    unchanged.map((record) => record.id),
  );
  return new Map(
    unchanged.map((record) => [
      record.id,
      pick(fields.get(record.id), Object.keys(binarySizes(record, model))),
    ]),
  );
}

async function readContents(
  odoo: OdooClient,
  model: MirroredModel,
  ids: readonly number[],
): Promise<Map<number, Contents>> {
  const contents = new Map<number, Contents>();
  for (let start = 0; start < ids.length; start += CONTENTS_PER_CALL) {
    const slice = ids.slice(start, start + CONTENTS_PER_CALL);
    for (const record of await odoo.read(model.name, slice, { fields: model.binaries })) {
      contents.set(record.id, pick(record, model.binaries));
    }
  }
  return contents;
}

function pick(record: OdooRecord | undefined, fields: readonly string[]): Contents {
  return Object.fromEntries(fields.map((field) => [field, record?.[field] ?? false]));
}
