import type { Database } from '../db/connection.ts';
import type { bc, bcLine } from '../db/schema/documents.ts';
import { storedBinaries, storedFields } from '../db/stored.ts';
import { PasserelleError } from '../errors.ts';
import type { OdooClient, OdooRecord } from '../odoo/types.ts';
import type { Holder } from './contents.ts';
import { readContents } from './contents.ts';
import type { MirroredModel } from './model.ts';
import { isSizeText } from './size-text.ts';
import { odooDateTime } from './window.ts';

/** A record was deleted after its page was read: its size texts are no contents. */
export class ContentGoneError extends PasserelleError {
  override readonly name = 'ContentGoneError';
  readonly code = 'content_gone';
  override readonly retryable = true;
  constructor(model: string, id: number) {
    super(`${model} ${id} is gone from Odoo since its page was read; its BC is read again.`);
  }
}

/** The size texts among a record's binary fields, by field. Empty binaries (`false`) are not among them. */
export function binarySizes(record: OdooRecord, model: MirroredModel): Record<string, string> {
  const sizes = model.binaries.map((field) => [field, record[field]] as const);
  return Object.fromEntries(sizes.filter((entry): entry is [string, string] => isSizeText(entry[1])));
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
 *
 * @throws ContentGoneError, and what the Odoo client throws.
 */
export async function fillBinaries(
  db: Database,
  odoo: OdooClient,
  { model, table }: { model: MirroredModel; table: typeof bc | typeof bcLine },
  records: readonly OdooRecord[],
): Promise<OdooRecord[]> {
  const holders = records
    .map((record) => ({ id: record.id, record, sizes: binarySizes(record, model) }))
    .filter(({ sizes }) => Object.keys(sizes).length > 0);
  if (holders.length === 0) return [...records];
  const contents = await knownContents(db, table, holders);
  const unknown = holders.filter(({ id }) => !contents.has(id));
  for await (const { fields, records: read } of readContents(odoo, model.name, unknown)) {
    for (const [id, record] of read) contents.set(id, { ...contents.get(id), ...pick(record, fields) });
  }
  const gone = unknown.find(({ id, sizes }) =>
    Object.keys(sizes).some((field) => !Object.hasOwn(contents.get(id) ?? {}, field)),
  );
  if (gone !== undefined) throw new ContentGoneError(model.name, gone.id);
  return records.map((record) => ({ ...record, ...contents.get(record.id) }));
}

type Values = Record<string, OdooRecord[string]>;

/** Contents that the mirror has and that have not changed since. */
async function knownContents(
  db: Database,
  table: typeof bc | typeof bcLine,
  holders: readonly (Holder & { readonly record: OdooRecord })[],
): Promise<Map<number, Values>> {
  const stored = await storedBinaries(
    db,
    table,
    holders.map(({ id }) => id),
  );
  const unchanged = holders.filter(({ id, record, sizes }) => {
    const before = stored.get(id);
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
    unchanged.map(({ id }) => id),
  );
  return new Map(unchanged.map(({ id, sizes }) => [id, pick(fields.get(id), Object.keys(sizes))]));
}

function pick(record: OdooRecord | undefined, fields: readonly string[]): Values {
  return Object.fromEntries(fields.map((field) => [field, record?.[field] ?? false]));
}
