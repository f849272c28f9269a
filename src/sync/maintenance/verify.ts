import type { RetentionConfig, SyncConfig } from '../../config/index.ts';
import { type Database, databaseClock } from '../../db/client.ts';
import {
  type Counted,
  duplicates,
  feedGaps,
  futureReadings,
  keepCounts,
  openItemsOfEndedRuns,
  orphanLines,
  previousCounts,
  type RowRange,
  type StoredRow,
  type StoredSizes,
  storedRows,
  trailGaps,
} from '../../db/documents/integrity-checks.ts';
import { storedFields } from '../../db/documents/stored-documents.ts';
import type { MirrorStore } from '../../db/documents/tables.ts';
import { countRereads, listFields } from '../../db/odoo-model/fields.ts';
import { isViewCurrent, viewsOf } from '../../db/odoo-model/typed-views.ts';
import { readState } from '../../db/runs/lease.ts';
import type { HeaderTable, LineTable } from '../../db/schema/documents.ts';
import { unstorableIn } from '../../odoo/decoding/text.ts';
import { OdooMalformedError } from '../../odoo/errors.ts';
import { odooDateTime } from '../../odoo/fields.ts';
import type { OdooRecord } from '../../odoo/types.ts';
import { canonicalJson } from '../../shared/canonical-json.ts';
import { inGroups } from '../../shared/collections.ts';
import { bisect } from '../bisect.ts';
import { isRefusal } from '../error-policy.ts';
import { batchSize, recordSize } from '../fetch/batch-size.ts';
import { type Holder, readContents } from '../fetch/binaries.ts';
import { binarySizes, promisedInAll } from '../fetch/binary-sizes.ts';
import { describeDocument, headerOf, isModelChange, ofAnyBc } from '../model/document-model.ts';
import { modelDiff } from '../model/model-drift.ts';
import type { Selection, Source } from '../source/source.ts';
import { own } from '../store/audit-diff.ts';
import { contentHash } from '../store/content-hash.ts';
import type { DocumentDefinition, DocumentModel, MirroredModel } from '../types.ts';

/** The counters of a verification. All are 0 if the mirror is correct. */
export const KINDS = [
  'missing',
  'extra',
  'different',
  'unreadable',
  'duplicates',
  'orphanLines',
  'badHashes',
  'openItems',
  'futureReadings',
  'feedGaps',
  'trailGaps',
  'views',
  'futureSync',
  'vanished',
] as const;
type FindingKind = (typeof KINDS)[number];

export interface Example {
  readonly model: string;
  /** The id in Odoo. A finding about a whole model has none. */
  readonly id?: number;
  /** The fields that differ. */
  readonly fields?: readonly string[];
  /** The run with the open item. */
  readonly runId?: number;
  readonly detail?: string;
}

export type Verification = Readonly<Record<FindingKind, number>> & {
  readonly ok: boolean;
  /** Changes of the model that not all records were read after: the next run reads them all. */
  readonly modelChanges: number;
  /** BCs that Odoo listed. */
  readonly headers: number;
  /** Lines that Odoo listed. */
  readonly lines: number;
  /** The first few of each kind. */
  readonly examples: Readonly<Record<FindingKind, readonly Example[]>>;
};

const MAX_EXAMPLES = 20;

/** Counts findings and keeps a few examples of each kind, so that memory use is constant. */
class Findings {
  readonly #counts = perKind(() => 0);
  readonly #examples = perKind((): Example[] => []);

  add(kind: FindingKind, example: Example): void {
    this.addAll(kind, 1, [example]);
  }

  addAll(kind: FindingKind, count: number, examples: readonly Example[]): void {
    this.#counts[kind] += count;
    const kept = this.#examples[kind];
    kept.push(...examples.slice(0, MAX_EXAMPLES - kept.length));
  }

  result(compared: Pick<Verification, 'headers' | 'lines' | 'modelChanges'>): Verification {
    const ok = KINDS.every((kind) => this.#counts[kind] === 0);
    return { ok, ...this.#counts, ...compared, examples: this.#examples };
  }
}

function perKind<T>(value: () => T): Record<FindingKind, T> {
  return Object.fromEntries(KINDS.map((kind) => [kind, value()])) as Record<FindingKind, T>;
}

/** One of the two tables, and its model in Odoo. */
interface VerifiedModel {
  readonly model: MirroredModel;
  readonly table: HeaderTable | LineTable;
  readonly selection: Selection;
  /** The many2one of the line to its header; null for the header. */
  readonly inverse: string | null;
}

/** Maximum of rows in memory at once, limited by the size of their binary fields. */
const HELD = { bytes: 16 * 1024 * 1024, count: 100 };

/** Receives each finding of a comparison. */
type OnFound = (kind: FindingKind, example: Example & { readonly id: number }) => void;

/**
 * Ids of one model that differed when they were compared. Odoo or a run may have changed a record between the readings
 * of both sides, so they are read once more at the end. Beyond the limit they are findings at once, because so many
 * differences are no coincidence and memory use must stay constant.
 */
class Suspects {
  readonly #ids = new Set<number>();

  /** Adds a difference; every other finding, and one beyond the limit, is passed on. */
  before(findings: Findings): OnFound {
    return (kind, example) => {
      if (DIFFERENCES.includes(kind) && (this.#ids.has(example.id) || this.#ids.size < MAX_SUSPECTS)) {
        this.#ids.add(example.id);
      } else findings.add(kind, example);
    };
  }

  get ids(): readonly number[] {
    return [...this.#ids].sort((a, b) => a - b);
  }
}

const MAX_SUSPECTS = 10_000;
const DIFFERENCES: readonly FindingKind[] = ['missing', 'extra', 'different'];

/** Reads both sides by ascending id. Returns the number of records that Odoo listed. */
async function verifyModel(
  mirror: VerifiedMirror,
  verified: VerifiedModel,
  onFound: OnFound,
  onCompared: (records: number) => void,
): Promise<number> {
  const { source, pageSize } = mirror;
  const { model, selection } = verified;
  let listed = 0;
  for (let after = 0; ; ) {
    const limit = Math.min(pageSize, batchSize(model, Number.POSITIVE_INFINITY));
    const ids = await source.ids(model.name, { ...selection, after, limit });
    // Rows of the mirror after the last id of Odoo are extra.
    const upTo = ids.at(-1) ?? Number.MAX_SAFE_INTEGER;
    const slice = await readSlice(source, model, ids);
    for (const record of slice.records.values()) recordSize(model, Buffer.byteLength(JSON.stringify(record)));
    await verifySlice(mirror, verified, slice, { after, upTo }, onFound);
    if (ids.length === 0) return listed;
    listed += ids.length;
    onCompared(ids.length);
    after = upTo;
  }
}

/** Compares some records once more. Hashes were checked before. */
async function verifyAgain(
  mirror: VerifiedMirror,
  verified: VerifiedModel,
  suspects: readonly number[],
  findings: Findings,
): Promise<void> {
  const { source, pageSize } = mirror;
  const { model, selection } = verified;
  for (let at = 0; at < suspects.length; ) {
    const ids = suspects.slice(at, at + Math.min(pageSize, batchSize(model, Number.POSITIVE_INFINITY)));
    at += ids.length;
    const [first = 0] = ids;
    const slice = await readSlice(source, model, await source.ids(model.name, { ...selection, ids }));
    await verifySlice(
      mirror,
      verified,
      slice,
      { after: first - 1, upTo: ids.at(-1) ?? first, ids },
      (kind, example) => {
        if (kind !== 'badHashes') findings.add(kind, example);
      },
    );
  }
}

interface Slice {
  readonly records: ReadonlyMap<number, OdooRecord>;
  /** Ids that Odoo lists but refuses to read, and ids of invalid records. */
  readonly refused: readonly number[];
}

async function readSlice(source: Source, model: MirroredModel, ids: readonly number[]): Promise<Slice> {
  const records = new Map<number, OdooRecord>();
  const read = async (part: readonly number[]) => {
    for (const record of await source.read(model.name, part, model.requested, { binSize: true }))
      records.set(record.id, record);
  };
  const refused = await bisect(ids, read, (error) => isRefusal(error) || error instanceof OdooMalformedError);
  // Invalid records are not compared: their BC fails with a message.
  const invalid = [...records.values()].filter((record) => unstorableIn(record) !== null);
  return { records, refused: [...refused, ...invalid.map(({ id }) => id)] };
}

async function verifySlice(
  mirror: VerifiedMirror,
  verified: VerifiedModel,
  { records, refused }: Slice,
  range: RowRange,
  onFound: OnFound,
): Promise<void> {
  const { model, table } = verified;
  const unreadable = new Set(refused);
  const unseen = new Set([...records.keys()].filter((id) => !unreadable.has(id)));
  const undecided: Holder[] = [];
  const weight = ({ binarySizes: sizes }: StoredSizes) => promisedInAll(sizes);
  for await (const row of storedRows(mirror.db, table, range, (rows) => inGroups(rows, weight, HELD))) {
    const at = { model: model.name, id: row.odooId };
    if (contentHash(row.fields) !== row.contentHash) onFound('badHashes', at);
    if (row.archived || unreadable.has(row.odooId)) continue;
    const record = records.get(row.odooId);
    if (record === undefined) {
      onFound('extra', at);
      continue;
    }
    unseen.delete(row.odooId);
    const fields = differences(verified, record, row);
    if (fields.length > 0) onFound('different', { ...at, fields });
    else if (!sameBinaries(model, record, row))
      undecided.push({ id: row.odooId, sizes: binarySizes(record, model) });
  }
  for (const id of await ofDocuments(mirror, verified, [...unseen], records))
    onFound('missing', { model: model.name, id });
  for (const id of unreadable) onFound('unreadable', { model: model.name, id });
  await compareContents(mirror, verified, undecided, onFound);
}

/** A line whose BC is hidden by a record rule belongs to no document that our user may see: it is not mirrored. */
async function ofDocuments(
  { source, definition }: VerifiedMirror,
  { inverse }: VerifiedModel,
  ids: readonly number[],
  records: ReadonlyMap<number, OdooRecord>,
): Promise<readonly number[]> {
  if (inverse === null || ids.length === 0) return ids;
  const owners = new Map(ids.map((id) => [id, headerOf(records.get(id) ?? { id }, inverse)]));
  const named = [...new Set(owners.values())].filter((owner) => owner !== null);
  const visible = new Set(await source.ids(definition.model, { ids: named }));
  return ids.filter((id) => {
    const owner = owners.get(id) ?? null;
    return owner === null || visible.has(owner);
  });
}

async function compareContents(
  { db, source }: VerifiedMirror,
  { model, table }: VerifiedModel,
  holders: readonly Holder[],
  onFound: OnFound,
): Promise<void> {
  const different = new Map<number, string[]>();
  for await (const { fields, records } of readContents(source, model.name, holders)) {
    const stored = await storedFields(db, table, [...records.keys()]);
    for (const [id, record] of records) {
      const unlike = unequal(fields, record, stored.get(id));
      if (unlike.length > 0) different.set(id, [...(different.get(id) ?? []), ...unlike]);
    }
  }
  for (const [id, fields] of different) onFound('different', { model: model.name, id, fields });
}

/** The fields that differ, except contents of binaries. A field that Odoo no longer has is not compared. */
function differences({ model, inverse }: VerifiedModel, record: OdooRecord, row: StoredRow): string[] {
  const sizes = binarySizes(record, model);
  const compared = model.requested.filter((field) => !(field in sizes));
  const fields = new Set(unequal(compared, record, row.fields));
  const { create_date: createDate = false, write_date: writeDate = false } = record;
  if (textOf(row.createDate) !== createDate) fields.add('create_date');
  if (textOf(row.writeDate) !== writeDate) fields.add('write_date');
  if (inverse !== null && headerOf(record, inverse) !== row.bcOdooId) fields.add(inverse);
  return [...fields];
}

/** A stored date as Odoo sends it. */
const textOf = (date: Date | null): string | false => (date === null ? false : odooDateTime(date));

function unequal(fields: readonly string[], record: OdooRecord, stored: OdooRecord | undefined): string[] {
  return fields.filter((field) => canonicalJson(own(record, field)) !== canonicalJson(own(stored, field)));
}

/** Whether each content has its stored size. With equal size and `write_date`, a content counts as equal. */
function sameBinaries(model: MirroredModel, record: OdooRecord, row: StoredRow): boolean {
  const sizes = Object.entries(binarySizes(record, model));
  return sizes.every(([field, size]) => row.binarySizes[field] === size);
}

interface VerifiedMirror extends MirrorStore<Database> {
  readonly source: Source;
  readonly definition: DocumentDefinition;
  /** Maximum of records requested in one call. */
  readonly pageSize: number;
  readonly settings: Pick<SyncConfig, 'overlapMs'>;
  readonly retention: Pick<RetentionConfig, 'auditMs'>;
}

/**
 * Compares the whole mirror with Odoo, and checks the consistency of the mirror. Memory use is constant: one slice of
 * Odoo records, some rows of the mirror, a few examples.
 *
 * Changes in Odoo after the last run count as differences, unless a run has stored them by the end. If a field disappears
 * meanwhile, the comparison starts again once. If nothing is found, the counts are kept for the next verification. Throws
 * the errors of the Odoo client.
 */
export async function verifyMirror(
  mirror: VerifiedMirror,
  onProgress: (compared: number, total: number) => void,
): Promise<Verification> {
  try {
    return await verifyOnce(mirror, onProgress);
  } catch (error) {
    if (!isModelChange(error)) throw error;
    return verifyOnce(mirror, onProgress);
  }
}

async function verifyOnce(
  mirror: VerifiedMirror,
  onProgress: (compared: number, total: number) => void,
): Promise<Verification> {
  const { db, source, definition } = mirror;
  const model = await describeDocument(source, definition);
  const withBc = ofAnyBc(model);
  const total = (await source.count(model.header.name, {})) + (await source.count(model.line.name, withBc));
  const findings = new Findings();
  let compared = 0;
  const advance = (by: number) => {
    compared += by;
    onProgress(compared, total);
  };
  const header = { model: model.header, table: mirror.header, selection: {}, inverse: null };
  const line = { model: model.line, table: mirror.line, selection: withBc, inverse: model.inverse };
  const suspects = { headers: new Suspects(), lines: new Suspects() };
  const headers = await verifyModel(mirror, header, suspects.headers.before(findings), advance);
  const lines = await verifyModel(mirror, line, suspects.lines.before(findings), advance);
  await verifyAgain(mirror, header, suspects.headers.ids, findings);
  await verifyAgain(mirror, line, suspects.lines.ids, findings);
  await checkIntegrity(mirror, findings);
  await checkProgress(mirror, findings);
  await compareCounts(mirror, { headers, lines }, findings);
  const result = findings.result({
    headers,
    lines,
    modelChanges: await unreadChanges(db, definition, model),
  });
  if (result.ok) await keepCounts(db, definition.key, { headers, lines });
  return result;
}

/** Changes of the model that no full run has covered: the recorded ones, and those that the next plan will record. */
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

/** Checks the consistency of the mirror without Odoo. Hashes are checked with the comparison of rows. */
async function checkIntegrity(mirror: VerifiedMirror, findings: Findings): Promise<void> {
  const { db, retention } = mirror;
  const { key, model, lineModel } = mirror.definition;
  const views = viewsOf(mirror);
  const add = (kind: FindingKind, name: string, { total, first }: Counted) =>
    findings.addAll(
      kind,
      total,
      first.map((example) => ({ model: name, ...example })),
    );
  add('duplicates', model, await duplicates(db, mirror.header));
  add('duplicates', lineModel, await duplicates(db, mirror.line));
  add('orphanLines', lineModel, await orphanLines(mirror));
  add('openItems', model, await openItemsOfEndedRuns(db, key));
  add('futureReadings', model, await futureReadings(db, mirror.header));
  add('futureReadings', lineModel, await futureReadings(db, mirror.line));
  add('feedGaps', model, await feedGaps(mirror));
  add('trailGaps', model, await trailGaps(mirror, retention.auditMs));
  for (const [view, name] of [
    [views.header, model],
    [views.line, lineModel],
  ] as const) {
    const isExpected = (await listFields(db, name)).length > 0;
    if (isExpected && !(await isViewCurrent(db, view, name)))
      findings.add('views', { model: name, detail: `view ${view.name}` });
  }
}

/**
 * A `last_sync` in the future hides the changes since the last run from the next one. An Odoo whose clock was set back by
 * less than the overlap is no finding: the overlap covers it.
 */
async function checkProgress(
  { db, source, definition: { key, model }, settings }: VerifiedMirror,
  findings: Findings,
): Promise<void> {
  const lastSync = (await readState(db, key))?.lastSync ?? null;
  const isFuture = (now: Date) =>
    lastSync !== null && lastSync.getTime() > now.getTime() + settings.overlapMs;
  if (!isFuture(await databaseClock(db))) return;
  const now = await source.clock();
  if (isFuture(now))
    findings.add('futureSync', {
      model,
      detail: `last_sync ${lastSync?.toISOString()}, the clock of Odoo ${now.toISOString()}`,
    });
}

/**
 * A mirror that followed lost rights equals what its user sees, so only the previous counts show the loss. Less than half
 * of them is a finding, until a forced sweep confirms that the records were deleted on purpose.
 */
async function compareCounts(
  { db, definition: { key, model, lineModel } }: VerifiedMirror,
  now: Pick<Verification, 'headers' | 'lines'>,
  findings: Findings,
): Promise<void> {
  const before = await previousCounts(db, key);
  if (before === null) return;
  for (const [name, count] of [
    [model, 'headers'],
    [lineModel, 'lines'],
  ] as const) {
    if (now[count] * 2 < before[count])
      findings.add('vanished', {
        model: name,
        detail: `${now[count]} in Odoo, ${before[count]} on ${before.at}`,
      });
  }
}
