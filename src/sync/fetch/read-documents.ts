import type { OdooRecord } from '../../odoo/types.ts';
import { bisect } from '../bisect.ts';
import { isRefusal } from '../error-policy.ts';
import { headerOf, isModelChange } from '../model/document-model.ts';
import type { Source } from '../source/source.ts';
import type { DocumentModel, HeaderAndLines, ReadDocument } from '../types.ts';
import { explainMissing, type FindUnread, NONE_MISSING, promisedLines } from './missing-lines.ts';

/** Maximum of lines requested in one call. */
const LINES_PER_CALL = 5000;

/**
 * Lines are searched by their header, not taken from the list of the header, which record rules may filter. If a line
 * was found by its header but does not name it (rules may hide that too), the headers are searched one by one. Lines of
 * a header that disappeared meanwhile are left out.
 *
 * `first`: the first result of `linesAfter`.
 */
async function readLines(
  source: Source,
  model: DocumentModel,
  ids: readonly number[],
  headers: readonly OdooRecord[],
  first: readonly OdooRecord[],
): Promise<Map<number, OdooRecord[]>> {
  const byHeader = new Map<number, OdooRecord[]>(headers.map((header) => [header.id, []]));
  const asked = new Set(ids);
  const strays = new Map<number, OdooRecord>();
  const promised = new Set(headers.flatMap((header) => promisedLines(header, model.linesField)));
  for await (const line of linesOf(source, model, ids, first, promised)) {
    const owner = headerOf(line, model.inverse) ?? 0;
    if (asked.has(owner)) byHeader.get(owner)?.push(line);
    else strays.set(line.id, line);
  }
  for (const headerId of strays.size === 0 ? [] : byHeader.keys()) {
    const own = { refersTo: { field: model.inverse, ids: [headerId] }, ids: [...strays.keys()] };
    for (const id of await source.ids(model.line.name, own)) {
      const line = strays.get(id);
      if (line !== undefined) byHeader.get(headerId)?.push(line);
    }
  }
  return byHeader;
}

/**
 * Reads by id until an answer is empty: access rules may shorten a slice that is not the last. The final empty answer
 * is not requested if the slice was short and contained all lines of the headers.
 */
async function* linesOf(
  source: Source,
  model: DocumentModel,
  ids: readonly number[],
  first: readonly OdooRecord[],
  missing: Set<number>,
): AsyncGenerator<OdooRecord> {
  for (let slice = first; slice.length > 0; ) {
    yield* slice;
    for (const line of slice) missing.delete(line.id);
    if (slice.length < LINES_PER_CALL && missing.size === 0) return;
    slice = await linesAfter(source, model, ids, slice.at(-1)?.id ?? 0);
  }
}

/** The next lines of these headers, by ascending id. */
function linesAfter(
  source: Source,
  model: DocumentModel,
  ids: readonly number[],
  after: number,
): Promise<OdooRecord[]> {
  const selection = { refersTo: { field: model.inverse, ids }, after, limit: LINES_PER_CALL };
  return source.list(model.line.name, selection, model.line.requested, { binSize: true });
}

interface Reading {
  readonly documents: readonly ReadDocument[];
  /** Ids that Odoo does not have: `read` leaves them out silently (14.0, 19.0). */
  readonly missing: readonly number[];
  /** Ids that Odoo refuses to return, found by halving the page. */
  readonly refused: readonly number[];
  /** Ids whose lines were deleted or moved between the two answers: each must be read again alone. */
  readonly unsettled: readonly number[];
}

/** Errors that single records may cause, and the evidence for it so far. The slices of a page share it. */
export interface Blame {
  readonly mayBlame: (error: unknown) => boolean;
  /** Reads a record outside of the page, once, to see whether Odoo returns anything at all. */
  readonly probe: () => Promise<boolean>;
  readonly tally: { read: number; refused: number };
}

/** After this many refusals without a success, the records may not be the cause. */
const MAX_REFUSED = 16;

/**
 * Reads headers and their lines. One refused record fails a whole `read`, so a refused page is halved until the refused
 * ids are alone. If nothing else can be read either, the fault is in Odoo: its error is thrown, and no BC is blamed.
 *
 * @param findUnread finds the lines in the mirror that the reading lacks; then Odoo is asked why they are missing.
 */
export async function readDocuments(
  source: Source,
  model: DocumentModel,
  ids: readonly number[],
  blame: Blame,
  findUnread: FindUnread,
): Promise<Reading> {
  const documents: ReadDocument[] = [];
  const absent: number[] = [];
  const unsettled: number[] = [];
  const read = async (part: readonly number[]) => {
    // Parts of a refused page may be refused again, so their lines are not read early.
    const whole = await readWhole(source, model, part, part === ids ? 'together' : 'headers first');
    const missing = await explainMissing(source, model, whole.documents, findUnread);
    documents.push(
      ...whole.documents.map((one) => ({ ...one, missing: missing.get(one.header.id) ?? NONE_MISSING })),
    );
    absent.push(...whole.missing);
    unsettled.push(...whole.unsettled);
    blame.tally.read += part.length;
  };
  const refused = await bisect(ids, read, async (error, part) => {
    if (!blame.mayBlame(error) || !(await isRecordsFault(error, blame))) return false;
    if (part.length === 1) blame.tally.refused += 1;
    return true;
  });
  return { documents, missing: absent, refused, unsettled };
}

/** A refusal blames the records at first. Other errors blame them only after something else was read. */
async function isRecordsFault(error: unknown, { tally, probe }: Blame): Promise<boolean> {
  if (tally.read > 0 || (isRefusal(error) && tally.refused < MAX_REFUSED)) return true;
  if (!(await probe())) return false;
  tally.read += 1;
  return true;
}

/** Maximum of records to try: the newest one may be bad itself. */
const OTHERS = 3;

/**
 * Reads one of the newest records that are not among `ids`. False if there is no such record, or if Odoo refuses all of
 * them.
 *
 * @throws OdooFieldError if the model changed.
 */
export async function readsAnything(
  source: Source,
  model: DocumentModel,
  ids: readonly number[],
): Promise<boolean> {
  let changed: unknown = null;
  const failed = (error: unknown): null => {
    if (isModelChange(error)) changed = error;
    return null;
  };
  const wanted = { except: ids, limit: OTHERS };
  const others = await source.newestIds(model.header.name, wanted).catch(failed);
  for (const other of others ?? []) {
    const read = await readWhole(source, model, [other], 'headers first').catch(failed);
    if (read !== null && read.documents.length + read.unsettled.length > 0) return true;
  }
  if (changed !== null) throw changed;
  return false;
}

async function readWhole(
  source: Source,
  model: DocumentModel,
  ids: readonly number[],
  order: 'together' | 'headers first',
): Promise<Pick<Reading, 'missing' | 'unsettled'> & { readonly documents: readonly HeaderAndLines[] }> {
  const askHeaders = () => source.read(model.header.name, ids, model.header.requested, { binSize: true });
  const askLines = () => linesAfter(source, model, ids, 0);
  const [headers, first] =
    order === 'together' ? await both(askHeaders(), askLines()) : [await askHeaders(), null];
  const lines =
    headers.length === 0
      ? NO_LINES
      : await readLines(source, model, ids, headers, first ?? (await askLines()));
  const read = headers.map((header) => ({ header, lines: lines.get(header.id) ?? [] }));
  const { vanished, unsettled } = await lookAgain(source, model, read);
  const documents = read.filter(({ header: { id } }) => !vanished.includes(id) && !unsettled.includes(id));
  const present = new Set([...documents.map(({ header }) => header.id), ...unsettled]);
  return { documents, missing: ids.filter((id) => !present.has(id)), unsettled };
}

/**
 * Headers and lines are answers of two transactions. If a header lists lines that were not found, its list is read
 * again. If the header is gone or no longer lists them, the two answers are of different moments. If it still lists
 * them, a record rule hides them.
 */
async function lookAgain(
  source: Source,
  { header: { name }, linesField }: DocumentModel,
  read: readonly HeaderAndLines[],
): Promise<{ readonly vanished: readonly number[]; readonly unsettled: readonly number[] }> {
  const owing = new Map<number, readonly number[]>();
  for (const { header, lines } of read) {
    const found = new Set(lines.map((line) => line.id));
    const owed = promisedLines(header, linesField).filter((id) => !found.has(id));
    if (owed.length > 0) owing.set(header.id, owed);
  }
  const ids = [...owing.keys()];
  if (ids.length === 0) return { vanished: [], unsettled: [] };
  const headers = await source.read(name, ids, [linesField]);
  const lists = new Map(headers.map((header) => [header.id, new Set(promisedLines(header, linesField))]));
  return {
    vanished: ids.filter((id) => !lists.has(id)),
    unsettled: ids.filter((id) => owing.get(id)?.some((line) => lists.get(id)?.has(line) === false)),
  };
}

const NO_LINES: ReadonlyMap<number, OdooRecord[]> = new Map();

/** Waits for both, also if one fails, so that nothing is in progress when the error is handled. */
async function both<A, B>(one: Promise<A>, other: Promise<B>): Promise<[A, B]> {
  await Promise.allSettled([one, other]);
  return Promise.all([one, other]);
}
