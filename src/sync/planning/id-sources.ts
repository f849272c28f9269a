import { ownersOfLines } from '../../db/documents/stored-documents.ts';
import type { MirrorStore } from '../../db/documents/tables.ts';
import type { Domain, OdooClient, OdooRecord } from '../../odoo/types.ts';
import { bisect } from '../bisect.ts';
import { isRefusal } from '../error-policy.ts';
import { headerOf } from '../model/document-model.ts';
import type { DocumentModel } from '../types.ts';
import { odooDateTime } from './run-mode.ts';

/** After this many refusals without a success, the fault is in Odoo, not in the records. */
const MAX_REFUSED = 16;

/**
 * Some fields of the records that a search finds, by ascending id. One record that Odoo lists but refuses fails the
 * whole answer. The rest is then read without it, and this record has only its id.
 */
export async function listRecords(
  odoo: OdooClient,
  model: string,
  domain: Domain,
  { fields, limit }: { readonly fields: readonly string[]; readonly limit: number },
): Promise<OdooRecord[]> {
  const options = { order: 'id', limit };
  try {
    return await odoo.searchRead(model, domain, { fields, ...options });
  } catch (error) {
    if (!isRefusal(error)) throw error;
  }
  const ids = await odoo.search(model, domain, options);
  const records = new Map((await readable(odoo, model, ids, fields)).map((record) => [record.id, record]));
  return ids.map((id) => records.get(id) ?? { id });
}

/** The records that Odoo does not refuse. */
export async function readable(
  odoo: OdooClient,
  model: string,
  ids: readonly number[],
  fields: readonly string[],
): Promise<OdooRecord[]> {
  const records: OdooRecord[] = [];
  let answers = 0;
  let refused = 0;
  const read = async (part: readonly number[]) => {
    // A server that ignores `limit` returns more records than a call can have arguments.
    for (const record of await odoo.read(model, part, { fields })) records.push(record);
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
export async function* allHeaders(odoo: OdooClient, model: DocumentModel): AsyncGenerator<number[]> {
  yield* keyset((last) => odoo.search(model.header.name, [['id', '>', last]], { order: 'id', limit: SLICE }));
}

/** The newest `write_date` of the listed records, as a text of Odoo. */
export class NewestWrite {
  #newest = '';

  note(records: readonly OdooRecord[]): void {
    for (const { write_date: date } of records) {
      if (typeof date === 'string' && date > this.#newest) this.#newest = date;
    }
  }

  /** Asks Odoo for it, before everything is listed. */
  async ask(odoo: OdooClient, { header, line }: DocumentModel): Promise<void> {
    for (const { name, requested } of [header, line]) {
      if (!requested.includes('write_date')) continue;
      const options = { fields: ['write_date'], order: 'write_date desc', limit: 1 };
      this.note(await odoo.searchRead(name, [['write_date', '!=', false]], options));
    }
  }

  get date(): Date | null {
    return this.#newest === '' ? null : new Date(`${this.#newest.replace(' ', 'T')}Z`);
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
  odoo: OdooClient,
  store: MirrorStore,
  model: DocumentModel,
  since: Date,
  newest: NewestWrite,
): readonly [AsyncGenerator<number[]>, AsyncGenerator<number[]>] {
  const written = (last: number): Domain => [
    ['write_date', '>=', odooDateTime(since)],
    ['id', '>', last],
  ];
  const slices = (name: string, fields: readonly string[]) =>
    noted(newest, (last) => listRecords(odoo, name, written(last), { fields, limit: SLICE }));
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
