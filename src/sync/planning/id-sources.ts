import { ownersOfLines } from '../../db/documents/stored-documents.ts';
import type { MirrorStore } from '../../db/documents/tables.ts';
import type { OdooRecord } from '../../odoo/types.ts';
import { bisect } from '../bisect.ts';
import { isRefusal } from '../error-policy.ts';
import { headerOf } from '../model/document-model.ts';
import type { Selection, Source } from '../source/source.ts';
import type { DocumentModel } from '../types.ts';

/** After this many refusals without a success, the fault is in Odoo, not in the records. */
const MAX_REFUSED = 16;

/**
 * Some fields of the records that a search finds, by ascending id. One record that Odoo lists but refuses fails the
 * whole answer. The rest is then read without it, and this record has only its id.
 */
export async function listRecords(
  source: Source,
  model: string,
  selection: Selection,
  fields: readonly string[],
): Promise<OdooRecord[]> {
  try {
    return await source.list(model, selection, fields);
  } catch (error) {
    if (!isRefusal(error)) throw error;
  }
  const ids = await source.ids(model, selection);
  const records = new Map((await readable(source, model, ids, fields)).map((record) => [record.id, record]));
  return ids.map((id) => records.get(id) ?? { id });
}

/** The records that Odoo does not refuse. */
export async function readable(
  source: Source,
  model: string,
  ids: readonly number[],
  fields: readonly string[],
): Promise<OdooRecord[]> {
  const records: OdooRecord[] = [];
  let answers = 0;
  let refused = 0;
  const read = async (part: readonly number[]) => {
    // A server that ignores `limit` returns more records than a call can have arguments.
    for (const record of await source.read(model, part, fields)) records.push(record);
    answers += 1;
  };
  await bisect(ids, read, (error, part) => {
    if (!isRefusal(error) || (answers === 0 && refused >= MAX_REFUSED)) return false;
    if (part.length === 1) refused += 1;
    return true;
  });
  return records;
}

/** Maximum of ids requested in one call. Only ids are sent, so a slice is small. */
const SLICE = 10_000;

/** Every header id, ascending, in slices. It ends with an empty answer, because a short one may not be the last. */
export async function* allHeaders(source: Source, model: DocumentModel): AsyncGenerator<number[]> {
  yield* keyset((after) => source.ids(model.header.name, { after, limit: SLICE }));
}

/** The newest `write_date` of the listed records, as a text of Odoo. */
export class NewestWrite {
  #newest = '';

  note(records: readonly OdooRecord[]): void {
    for (const { write_date: date } of records) if (typeof date === 'string') this.#noteDate(date);
  }

  /** Asks for it, before everything is listed. */
  async ask(source: Source, { header, line }: DocumentModel): Promise<void> {
    for (const { name, requested } of [header, line])
      if (requested.includes('write_date')) this.#noteDate((await source.newestWrite(name)) ?? '');
  }

  get date(): Date | null {
    return this.#newest === '' ? null : new Date(`${this.#newest.replace(' ', 'T')}Z`);
  }

  #noteDate(date: string): void {
    if (date > this.#newest) this.#newest = date;
  }
}

/**
 * Headers that changed after `since`, or whose lines did. Each of the two queries may be requested alone.
 *
 * A line that is written directly does not change the `write_date` of its header (seen on 14.0 and 19.0), so lines are
 * queried by their own date. A line that moved to another BC changes both BCs. If Odoo refuses a line, only its BC in
 * the mirror is known.
 */
export function changedHeaders(
  source: Source,
  store: MirrorStore,
  model: DocumentModel,
  since: Date,
  newest: NewestWrite,
): readonly [AsyncGenerator<number[]>, AsyncGenerator<number[]>] {
  const slices = (name: string, fields: readonly string[]) =>
    noted(newest, (after) => listRecords(source, name, { since, after, limit: SLICE }, fields));
  const headers = idsOfSlices(slices(model.header.name, ['write_date']));
  const lines = slices(model.line.name, ['write_date', model.inverse]);
  return [headers, ownersOfSlices(store, model, lines)];
}

async function* idsOfSlices(slices: AsyncGenerator<OdooRecord[]>): AsyncGenerator<number[]> {
  for await (const records of slices) yield records.map(({ id }) => id);
}

async function* ownersOfSlices(
  store: MirrorStore,
  { inverse }: DocumentModel,
  slices: AsyncGenerator<OdooRecord[]>,
): AsyncGenerator<number[]> {
  for await (const lines of slices)
    yield await ownersNowAndBefore(
      store,
      inverse,
      lines,
      lines.map(({ id }) => id),
    );
}

/** The BCs of lines: those in the records of Odoo, and those in the mirror. A moved line has both. */
export async function ownersNowAndBefore(
  store: MirrorStore,
  inverse: string,
  records: readonly OdooRecord[],
  lineIds: readonly number[],
): Promise<number[]> {
  const now = records.map((line) => headerOf(line, inverse)).filter((id) => id !== null);
  return [...now, ...(await ownersOfLines(store, lineIds))];
}

const greatest = (ids: readonly number[]) => ids.reduce((most, id) => Math.max(most, id), 0);

async function* keyset(next: (last: number) => Promise<number[]>): AsyncGenerator<number[]> {
  for (let slice = await next(0); slice.length > 0; slice = await next(greatest(slice))) yield slice;
}

async function* noted(
  newest: NewestWrite,
  next: (last: number) => Promise<OdooRecord[]>,
): AsyncGenerator<OdooRecord[]> {
  for (let slice = await next(0); slice.length > 0; slice = await next(slice.at(-1)?.id ?? 0)) {
    newest.note(slice);
    yield slice;
  }
}
