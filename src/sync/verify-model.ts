import type { StoredRow, StoredSizes } from '../db/integrity.ts';
import { storedRows } from '../db/integrity.ts';
import type { bc, bcLine } from '../db/schema/documents.ts';
import { storedFields } from '../db/stored.ts';
import { OdooMalformedError } from '../odoo/errors.ts';
import type { Domain, OdooClient, OdooRecord } from '../odoo/types.ts';
import { unstorableIn } from '../odoo/unstorable.ts';
import { isRefusal } from './again.ts';
import { binarySizes } from './binaries.ts';
import type { Holder } from './contents.ts';
import { inGroups, readContents } from './contents.ts';
import { own } from './diff.ts';
import type { Findings } from './findings.ts';
import { canonicalJson, contentHash } from './hash.ts';
import type { MirroredModel } from './model.ts';
import { headerOf } from './model.ts';
import { portion, weigh } from './portion.ts';
import { promisedInAll } from './size-text.ts';
import type { VerifySource } from './verify.ts';
import { odooDateTime } from './window.ts';

/** One of the two tables, and what of Odoo belongs into it. */
export interface VerifiedModel {
  readonly model: MirroredModel;
  readonly table: typeof bc | typeof bcLine;
  readonly domain: Domain;
  /** The line's many2one to its header; null for the header. */
  readonly inverse: string | null;
}

/** Rows of the mirror held at once, by what their binary fields weigh. */
const HELD = { bytes: 16 * 1024 * 1024, count: 100 };

/** Walks both sides by ascending id. Returns how many records Odoo listed. */
export async function verifyModel(
  source: VerifySource,
  verified: VerifiedModel,
  findings: Findings,
  onCompared: (records: number) => void,
): Promise<number> {
  const { odoo, pageSize } = source;
  const { model, domain } = verified;
  let listed = 0;
  for (let after = 0; ; ) {
    const ids = await odoo.search(model.name, [...domain, ['id', '>', after]], {
      order: 'id',
      limit: Math.min(pageSize, portion(model, Number.POSITIVE_INFINITY)),
    });
    // After Odoo's last id, what the mirror still has is extra.
    const upTo = ids.at(-1) ?? Number.MAX_SAFE_INTEGER;
    const slice = await readSlice(odoo, model, ids);
    for (const record of slice.records.values()) weigh(model, Buffer.byteLength(JSON.stringify(record)));
    await verifySlice(source, verified, slice, { after, upTo }, findings);
    if (ids.length === 0) return listed;
    listed += ids.length;
    onCompared(ids.length);
    after = upTo;
  }
}

interface Slice {
  readonly records: ReadonlyMap<number, OdooRecord>;
  /** Ids that Odoo lists but does not hand over. */
  readonly refused: readonly number[];
}

/** One record that Odoo refuses fails a whole `read`: it is halved down to the ids that are to blame. */
async function readSlice(odoo: OdooClient, model: MirroredModel, ids: readonly number[]): Promise<Slice> {
  try {
    const records = await odoo.read(model.name, ids, { fields: model.requested, binSize: true });
    // What cannot be stored is not compared: its BC fails, and says why.
    const refused = records.filter((record) => unstorableIn(record) !== null).map(({ id }) => id);
    return { records: new Map(records.map((record) => [record.id, record])), refused };
  } catch (error) {
    if (!isRefusal(error) && !(error instanceof OdooMalformedError)) throw error;
    if (ids.length === 1) return { records: new Map(), refused: ids };
  }
  const middle = Math.ceil(ids.length / 2);
  const first = await readSlice(odoo, model, ids.slice(0, middle));
  const second = await readSlice(odoo, model, ids.slice(middle));
  return {
    records: new Map([...first.records, ...second.records]),
    refused: [...first.refused, ...second.refused],
  };
}

async function verifySlice(
  source: VerifySource,
  verified: VerifiedModel,
  { records, refused }: Slice,
  range: { readonly after: number; readonly upTo: number },
  findings: Findings,
): Promise<void> {
  const { model, table } = verified;
  const unreadable = new Set(refused);
  const unseen = new Set([...records.keys()].filter((id) => !unreadable.has(id)));
  const undecided: Holder[] = [];
  const weight = ({ binarySizes: sizes }: StoredSizes) => promisedInAll(sizes);
  for await (const row of storedRows(source.db, table, range, (rows) => inGroups(rows, weight, HELD))) {
    const at = { model: model.name, id: row.odooId };
    if (contentHash(row.fields) !== row.contentHash) findings.add('badHashes', at);
    if (row.archived || unreadable.has(row.odooId)) continue;
    const record = records.get(row.odooId);
    if (record === undefined) {
      findings.add('extra', at);
      continue;
    }
    unseen.delete(row.odooId);
    const fields = differences(verified, record, row);
    if (fields.length > 0) findings.add('different', { ...at, fields });
    else if (!sameBinaries(model, record, row))
      undecided.push({ id: row.odooId, sizes: binarySizes(record, model) });
  }
  for (const id of await ofDocuments(source, verified, [...unseen], records))
    findings.add('missing', { model: model.name, id });
  for (const id of unreadable) findings.add('unreadable', { model: model.name, id });
  await compareContents(source, verified, undecided, findings);
}

/** A line whose BC a record rule hides is part of no document that our user may see: it is not mirrored. */
async function ofDocuments(
  { odoo, definition }: VerifySource,
  { inverse }: VerifiedModel,
  ids: readonly number[],
  records: ReadonlyMap<number, OdooRecord>,
): Promise<readonly number[]> {
  if (inverse === null || ids.length === 0) return ids;
  const owners = new Map(ids.map((id) => [id, headerOf(records.get(id) ?? { id }, inverse)]));
  const named = [...new Set(owners.values())].filter((owner) => owner !== null);
  const visible = new Set(await odoo.search(definition.model, [['id', 'in', named]]));
  return ids.filter((id) => {
    const owner = owners.get(id) ?? null;
    return owner === null || visible.has(owner);
  });
}

async function compareContents(
  { db, odoo }: VerifySource,
  { model, table }: VerifiedModel,
  holders: readonly Holder[],
  findings: Findings,
): Promise<void> {
  const different = new Map<number, string[]>();
  for await (const { fields, records } of readContents(odoo, model.name, holders)) {
    const stored = await storedFields(db, table, [...records.keys()]);
    for (const [id, record] of records) {
      const unlike = unequal(fields, record, stored.get(id));
      if (unlike.length > 0) different.set(id, [...(different.get(id) ?? []), ...unlike]);
    }
  }
  for (const [id, fields] of different) findings.add('different', { model: model.name, id, fields });
}

/** The fields that differ, contents of binaries aside. A field that Odoo no longer has is not compared. */
function differences({ model, inverse }: VerifiedModel, record: OdooRecord, row: StoredRow): string[] {
  const sizes = binarySizes(record, model);
  const compared = model.requested.filter((field) => !(field in sizes));
  const fields = new Set(unequal(compared, record, row.fields));
  const { write_date: writeDate = false } = record;
  if ((row.writeDate === null ? false : odooDateTime(row.writeDate)) !== writeDate) fields.add('write_date');
  if (inverse !== null && headerOf(record, inverse) !== row.bcOdooId) fields.add(inverse);
  return [...fields];
}

function unequal(fields: readonly string[], record: OdooRecord, stored: OdooRecord | undefined): string[] {
  return fields.filter((field) => canonicalJson(own(record, field)) !== canonicalJson(own(stored, field)));
}

/** Whether each content has the size it was stored with. An equal size under an equal `write_date` is believed. */
function sameBinaries(model: MirroredModel, record: OdooRecord, row: StoredRow): boolean {
  const sizes = Object.entries(binarySizes(record, model));
  return sizes.every(([field, size]) => row.binarySizes[field] === size);
}
