import { PasserelleError } from '../errors.ts';
import { OdooAccessError, OdooApplicationError } from '../odoo/errors.ts';
import type { Domain, OdooClient, OdooRecord } from '../odoo/types.ts';
import type { DocumentModel } from './model.ts';
import { headerOf, isModelChange } from './model.ts';

/** A BC as it was read. Binary fields hold Odoo's size texts, not their contents. */
export interface ReadDocument {
  readonly header: OdooRecord;
  readonly lines: readonly OdooRecord[];
}

export interface Reading {
  readonly documents: readonly ReadDocument[];
  /** Ids that Odoo does not have (any more): `read` leaves them out silently (14.0, 19.0). */
  readonly missing: readonly number[];
  /** Ids that Odoo refuses to hand over, found by halving the page. */
  readonly refused: readonly number[];
}

/** Lines asked for in one call, by what the headers' own lists promise. */
const LINES_PER_CALL = 5000;

/** Which errors may be the fault of single records, and what speaks for that so far. Shared by a page's slices. */
export interface Blame {
  readonly mayBlame: (error: unknown) => boolean;
  /** Reads some record outside the page: does Odoo hand over anything at all? Asked once, when in doubt. */
  readonly probe: () => Promise<boolean>;
  readonly tally: { read: number; refused: number };
}

/** So many refusals without one success put in doubt that the records are to blame. */
const REFUSED_AT_MOST = 16;

/**
 * Reads headers and their lines. One record that Odoo refuses fails a whole `read`, so a refused page is halved
 * down to the ids that are to blame. Where nothing else can be read either, the trouble is Odoo's: its error is
 * thrown, and no BC is blamed.
 */
export async function readDocuments(
  odoo: OdooClient,
  model: DocumentModel,
  ids: readonly number[],
  blame: Blame,
): Promise<Reading> {
  const documents: ReadDocument[] = [];
  const missing: number[] = [];
  const refused: number[] = [];
  const parts = ids.length === 0 ? [] : [ids];
  for (let part = parts.pop(); part !== undefined; part = parts.pop()) {
    try {
      const read = await readWhole(odoo, model, part);
      documents.push(...read.documents);
      missing.push(...read.missing);
      blame.tally.read += part.length;
    } catch (error) {
      if (!blame.mayBlame(error) || !(await isTheRecords(error, blame))) throw error;
      const middle = Math.ceil(part.length / 2);
      if (part.length === 1) {
        refused.push(...part);
        blame.tally.refused += 1;
      } else parts.push(part.slice(middle), part.slice(0, middle));
    }
  }
  return { documents, missing, refused };
}

/** A refusal is believed for a while; a timeout, a broken connection, an unknown field only once something else was read. */
async function isTheRecords(error: unknown, { tally, probe }: Blame): Promise<boolean> {
  if (tally.read > 0 || (isRefusal(error) && tally.refused < REFUSED_AT_MOST)) return true;
  if (!(await probe())) return false;
  tally.read += 1;
  return true;
}

/** Records tried before Odoo is in doubt: the newest may be bad itself. */
const OTHERS = 3;

/**
 * Reads one of the newest records that are not among `ids`. False: there is none, or Odoo hands over none of them.
 *
 * @throws OdooFieldError: the model is another by now.
 */
export async function readsAnything(
  odoo: OdooClient,
  model: DocumentModel,
  ids: readonly number[],
): Promise<boolean> {
  let changed: unknown = null;
  const failed = (error: unknown): null => {
    if (isModelChange(error)) changed = error;
    return null;
  };
  const wanted = { order: 'id desc', limit: OTHERS };
  const others = await odoo.search(model.header.name, [['id', 'not in', ids]], wanted).catch(failed);
  for (const other of others ?? []) {
    const read = await readWhole(odoo, model, [other]).catch(failed);
    if (read !== null && read.documents.length > 0) return true;
  }
  if (changed !== null) throw changed;
  return false;
}

/** Odoo answered, and the answer was no: a record of the page is to blame. */
export function isRefusal(error: unknown): boolean {
  return error instanceof OdooAccessError || error instanceof OdooApplicationError;
}

/** No usable answer: Odoo is in trouble, or one record brings it there. */
export function isOutage(error: unknown): boolean {
  return error instanceof PasserelleError && error.retryable && error.code.startsWith('odoo_');
}

async function readWhole(
  odoo: OdooClient,
  model: DocumentModel,
  ids: readonly number[],
): Promise<Omit<Reading, 'refused'>> {
  const headers = await odoo.read(model.header.name, ids, { fields: model.header.requested, binSize: true });
  const lines = await readLines(odoo, model, headers);
  const present = new Set(headers.map((header) => header.id));
  return {
    documents: headers.map((header) => ({ header, lines: lines.get(header.id) ?? [] })),
    missing: ids.filter((id) => !present.has(id)),
  };
}

interface LineGroup {
  readonly headerIds: number[];
  /** Lines that the headers list themselves; record rules may hide some of them, or others from the list. */
  readonly promised: number[];
}

/**
 * Lines are asked for by their header, not by the header's own list, which record rules may have filtered. A line
 * that was found by its header and does not name it (rules may hide that too) is asked for header by header.
 */
async function readLines(
  odoo: OdooClient,
  model: DocumentModel,
  headers: readonly OdooRecord[],
): Promise<Map<number, OdooRecord[]>> {
  const byHeader = new Map<number, OdooRecord[]>(headers.map((header) => [header.id, []]));
  for (const group of groupByPromisedLines(headers, model.linesField)) {
    const strays = new Map<number, OdooRecord>();
    for await (const line of linesOf(odoo, model, group)) {
      const owner = byHeader.get(headerOf(line, model.inverse) ?? 0);
      if (owner === undefined) strays.set(line.id, line);
      else owner.push(line);
    }
    for (const headerId of strays.size === 0 ? [] : group.headerIds) {
      const domain: Domain = [
        [model.inverse, '=', headerId],
        ['id', 'in', [...strays.keys()]],
      ];
      const found = (await odoo.search(model.line.name, domain)).map((id) => strays.get(id));
      byHeader.get(headerId)?.push(...found.filter((line) => line !== undefined));
    }
  }
  return byHeader;
}

/** Groups that promise at most `LINES_PER_CALL` lines; a larger BC is a group of its own. */
function groupByPromisedLines(headers: readonly OdooRecord[], linesField: string): LineGroup[] {
  const groups: LineGroup[] = [];
  for (const header of headers) {
    const value = header[linesField];
    const promised = Array.isArray(value) ? value.filter((id) => typeof id === 'number') : [];
    const last = groups.at(-1);
    if (last !== undefined && last.promised.length + promised.length <= LINES_PER_CALL) {
      last.headerIds.push(header.id);
      for (const id of promised) last.promised.push(id);
    } else groups.push({ headerIds: [header.id], promised });
  }
  return groups;
}

/**
 * Keyset by id, until an answer is empty: rules of access may thin out a slice without its being the last. The
 * closing empty answer is spared when the slice was short and brought all that the headers promised.
 */
async function* linesOf(
  odoo: OdooClient,
  model: DocumentModel,
  group: LineGroup,
): AsyncGenerator<OdooRecord> {
  const options = { fields: model.line.requested, binSize: true, order: 'id', limit: LINES_PER_CALL };
  const missing = new Set(group.promised);
  for (let last = 0; ; ) {
    const domain: Domain = [
      [model.inverse, 'in', group.headerIds],
      ['id', '>', last],
    ];
    const slice = await odoo.searchRead(model.line.name, domain, options);
    yield* slice;
    for (const line of slice) missing.delete(line.id);
    if (slice.length === 0 || (slice.length < LINES_PER_CALL && missing.size === 0)) return;
    last = slice.at(-1)?.id ?? last;
  }
}
