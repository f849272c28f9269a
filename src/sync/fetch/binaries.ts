import type { Database } from '../../db/client.ts';
import { endReading } from '../../db/documents/fetch-sequence.ts';
import { storedBinaries, storedFields } from '../../db/documents/stored-documents.ts';
import type { MirrorStore } from '../../db/documents/tables.ts';
import type { RecordToStore } from '../../db/documents/writes.ts';
import { OdooTimeoutError } from '../../odoo/errors.ts';
import { odooDateTime } from '../../odoo/fields.ts';
import type { OdooRecord } from '../../odoo/types.ts';
import { inGroups } from '../../shared/collections.ts';
import { PasserelleError } from '../../shared/errors.ts';
import type { Source } from '../source/source.ts';
import { prepare } from '../store/normalize.ts';
import type { DocumentModel, MirroredModel, PreparedDocument } from '../types.ts';
import { binarySizes, promisedBytes, promisedInAll } from './binary-sizes.ts';

/** Maximum of contents requested in one call, by their size texts. A larger content is requested alone. */
const BYTES_PER_CALL = 8 * 1024 * 1024;
const RECORDS_PER_CALL = 100;

/**
 * Odoo did not send the contents of binary fields in time.
 *
 * @fix Raise ODOO_TIMEOUT_MS, or set `SYNC_BINARIES=off`. Then restart the workers.
 */
class ContentTimeoutError extends PasserelleError {
  readonly code = 'odoo_content_timeout';
  override readonly retryable = true;
  constructor(model: string, { holders, fields }: Ask, cause: OdooTimeoutError) {
    const [first] = holders;
    const which = holders.length === 1 ? `${model} ${first?.id}` : `${holders.length} records of ${model}`;
    const bytes = holders.reduce((total, { sizes }) => total + promisedInAll(pickSizes(sizes, fields)), 0);
    super(
      `${which}: ${fields.join(', ')} (${megabytes(bytes)} on the line) did not arrive before ODOO_TIMEOUT_MS was over. ` +
        'Raise it, or leave the contents of binary fields out with SYNC_BINARIES=off.',
      { cause },
    );
  }
}

const megabytes = (bytes: number) => `${(bytes / 1024 / 1024).toFixed(1)} MB`;

/** A record whose binary fields have content: their size texts, by field. */
export interface Holder {
  readonly id: number;
  readonly sizes: Readonly<Record<string, string>>;
}

/** One call: these fields of these records. */
interface Ask {
  readonly holders: readonly Holder[];
  readonly fields: readonly string[];
}

/** The result of one call: fields of records, by id. Deleted records are absent. */
interface Contents {
  readonly fields: readonly string[];
  readonly records: ReadonlyMap<number, OdooRecord>;
}

/**
 * Reads the contents of binary fields. Memory holds a few megabytes at a time, or one content.
 *
 * @throws ContentTimeoutError, and the errors of the Odoo client.
 */
export async function* readContents(
  source: Source,
  model: string,
  holders: readonly Holder[],
): AsyncGenerator<Contents> {
  for (const ask of asksFor(holders)) {
    const { fields } = ask;
    const ids = ask.holders.map(({ id }) => id);
    try {
      const records = await source.read(model, ids, fields);
      yield { fields, records: new Map(records.map((record) => [record.id, record])) };
    } catch (error) {
      throw error instanceof OdooTimeoutError ? new ContentTimeoutError(model, ask, error) : error;
    }
  }
}

function asksFor(holders: readonly Holder[]): Ask[] {
  const isLarge = ({ sizes }: Holder) => promisedInAll(sizes) > BYTES_PER_CALL;
  const small = holders.filter((holder) => !isLarge(holder));
  const together = inGroups(small, ({ sizes }) => promisedInAll(sizes), {
    bytes: BYTES_PER_CALL,
    count: RECORDS_PER_CALL,
  }).map((group) => ({
    holders: group,
    fields: [...new Set(group.flatMap(({ sizes }) => Object.keys(sizes)))],
  }));
  const apart = holders
    .filter(isLarge)
    .flatMap((holder) => fieldsApart(holder).map((fields) => ({ holders: [holder], fields })));
  return [...together, ...apart];
}

/** The fields of a large record, several small ones together. */
function fieldsApart({ sizes }: Holder): string[][] {
  return inGroups(Object.keys(sizes), (field) => promisedBytes(sizes[field] ?? ''), {
    bytes: BYTES_PER_CALL,
    count: RECORDS_PER_CALL,
  });
}

function pickSizes(
  sizes: Readonly<Record<string, string>>,
  fields: readonly string[],
): Record<string, string> {
  return Object.fromEntries(Object.entries(sizes).filter(([field]) => fields.includes(field)));
}

/**
 * A record was deleted after its page was read, so the contents of its binary fields cannot be read.
 *
 * @fix Nothing: the worker reads the BC again.
 */
export class ContentGoneError extends PasserelleError {
  readonly code = 'content_gone';
  override readonly retryable = true;
  constructor(model: string, id: number) {
    super(`${model} ${id} is gone from Odoo since its page was read; its BC is read again.`);
  }
}

/**
 * `write_date` has whole seconds, so a content that is read this soon after it may be replaced within the same second.
 * A minute also covers clocks that differ a little.
 */
const SETTLED_MS = 60_000;

/**
 * Replaces the size texts of pages by contents. A content comes from the mirror if `write_date` and size text are those
 * of its reading and were settled by then; otherwise it is read from Odoo.
 *
 * Limit: it does not notice a computed, unstored binary that changes without changing its size text or its record.
 *
 * @throws ContentGoneError, and the errors of the Odoo client.
 */
async function fillBinaries(
  store: MirrorStore,
  source: Source,
  { model, of }: Mirrored,
  records: readonly OdooRecord[],
): Promise<OdooRecord[]> {
  const holders = records
    .map((record) => ({ id: record.id, record, sizes: binarySizes(record, model) }))
    .filter(({ sizes }) => Object.keys(sizes).length > 0);
  if (holders.length === 0) return [...records];
  const contents = await knownContents(store, of, holders);
  const unknown = holders.filter(({ id }) => !contents.has(id));
  for await (const { fields, records: read } of readContents(source, model.name, unknown)) {
    for (const [id, record] of read) contents.set(id, { ...contents.get(id), ...pick(record, fields) });
  }
  const gone = unknown.find(({ id, sizes }) =>
    Object.keys(sizes).some((field) => !Object.hasOwn(contents.get(id) ?? {}, field)),
  );
  if (gone !== undefined) throw new ContentGoneError(model.name, gone.id);
  return records.map((record) => ({ ...record, ...contents.get(record.id) }));
}

type Values = Record<string, OdooRecord[string]>;

/** A model of the document, and its table. */
interface Mirrored {
  readonly model: MirroredModel;
  readonly of: 'header' | 'line';
}

/** Contents in the mirror that have not changed since. */
async function knownContents(
  store: MirrorStore,
  of: 'header' | 'line',
  holders: readonly (Holder & { readonly record: OdooRecord })[],
): Promise<Map<number, Values>> {
  const stored = await storedBinaries(
    store,
    of,
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
    store.db,
    store[of],
    unchanged.map(({ id }) => id),
  );
  return new Map(unchanged.map(({ id, sizes }) => [id, pick(fields.get(id), Object.keys(sizes))]));
}

function pick(record: OdooRecord | undefined, fields: readonly string[]): Values {
  return Object.fromEntries(fields.map((field) => [field, record?.[field] ?? false]));
}

/** Whether a record has contents that were not read with it. */
export const hasContents = ({ binarySizes }: RecordToStore) => Object.keys(binarySizes).length > 0;

/** Memory in bytes that the binary contents of a BC will take. */
export function contentBytes({ header, lines }: PreparedDocument): number {
  return lines.reduce(
    (sum, { binarySizes }) => sum + promisedInAll(binarySizes),
    promisedInAll(header.binarySizes),
  );
}

/**
 * A BC with the contents of its binaries. The reading of the BC ends after theirs.
 *
 * @throws InvalidDocumentError, ContentGoneError, and the errors of the Odoo client.
 */
export async function attachBinaryContents(
  store: MirrorStore<Database>,
  source: Source,
  model: DocumentModel,
  document: PreparedDocument,
): Promise<PreparedDocument> {
  if (![document.header, ...document.lines].some(hasContents)) return document;
  const [header = document.header] = await filled(store, source, { model: model.header, of: 'header' }, [
    document.header,
  ]);
  const lines = await filled(store, source, { model: model.line, of: 'line' }, document.lines);
  return { ...document, header, lines, reading: await endReading(store.db, document.reading) };
}

async function filled(
  store: MirrorStore,
  source: Source,
  which: Mirrored,
  records: readonly RecordToStore[],
): Promise<readonly RecordToStore[]> {
  const holders = records.filter(hasContents);
  if (holders.length === 0) return records;
  const read = holders.map(({ json }): OdooRecord => JSON.parse(json));
  const full = await fillBinaries(store, source, which, read);
  const ready = new Map(
    holders.map((holder, at) => [
      holder.odooId,
      prepare(which.model.name, full[at] ?? { id: holder.odooId }, holder.binarySizes),
    ]),
  );
  return records.map((record) => ready.get(record.odooId) ?? record);
}
