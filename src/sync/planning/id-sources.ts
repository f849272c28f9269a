import type { Database } from '../../db/client.ts';
import { ownersOfLines } from '../../db/documents/stored-documents.ts';
import type { Domain, OdooClient, OdooRecord } from '../../odoo/types.ts';
import { isRefusal } from '../error-policy.ts';
import { headerOf } from '../model/document-model.ts';
import type { DocumentModel } from '../types.ts';
import { odooDateTime } from './run-mode.ts';

/** So many refusals without one success: the trouble is Odoo's, not the records'. */
const MAX_REFUSED = 16;

/**
 * Some fields of what a search finds, by ascending id. One record that Odoo lists and refuses to hand over fails the
 * whole answer: the rest is then read without it, and of that one its id is all that is given.
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

/** What Odoo hands over of some records, found by halving. */
export async function readable(
  odoo: OdooClient,
  model: string,
  ids: readonly number[],
  fields: readonly string[],
  tally = { read: 0, refused: 0 },
): Promise<OdooRecord[]> {
  if (ids.length === 0) return [];
  try {
    const records = await odoo.read(model, ids, { fields });
    tally.read += 1;
    return records;
  } catch (error) {
    if (!isRefusal(error) || (tally.read === 0 && tally.refused >= MAX_REFUSED)) throw error;
    if (ids.length === 1) {
      tally.refused += 1;
      return [];
    }
  }
  const middle = Math.ceil(ids.length / 2);
  const first = await readable(odoo, model, ids.slice(0, middle), fields, tally);
  return [...first, ...(await readable(odoo, model, ids.slice(middle), fields, tally))];
}

/** Ids asked for in one call. Only ids travel, so a slice is small. */
const SLICE = 10_000;

/** Every header id, ascending, in slices. Ends on an empty answer: a short one is not the last. */
export async function* allHeaders(odoo: OdooClient, model: DocumentModel): AsyncGenerator<number[]> {
  yield* keyset((last) => odoo.search(model.header.name, [['id', '>', last]], { order: 'id', limit: SLICE }));
}

/**
 * Headers that changed after `since`, or whose lines did. Each of the two queries may be requested alone.
 *
 * A line that is written directly does not change the `write_date` of its header (seen on 14.0 and 19.0),
 * so lines are queried by their own date. A line that moved to another BC changes both BCs. If Odoo refuses
 * a line, only its BC in the mirror is known.
 */
export function changedHeaders(
  odoo: OdooClient,
  db: Database,
  model: DocumentModel,
  since: Date,
): readonly [AsyncGenerator<number[]>, AsyncGenerator<number[]>] {
  const written = (last: number): Domain => [
    ['write_date', '>=', odooDateTime(since)],
    ['id', '>', last],
  ];
  const headers = keyset((last) =>
    odoo.search(model.header.name, written(last), { order: 'id', limit: SLICE }),
  );
  const lines = keysetRecords((last) =>
    listRecords(odoo, model.line.name, written(last), { fields: [model.inverse], limit: SLICE }),
  );
  return [headers, ownersNowAndBefore(db, model, lines)];
}

async function* ownersNowAndBefore(
  db: Database,
  { inverse }: DocumentModel,
  lines: AsyncGenerator<OdooRecord[]>,
): AsyncGenerator<number[]> {
  for await (const slice of lines) {
    yield slice.map((line) => headerOf(line, inverse)).filter((id) => id !== null);
    yield await ownersOfLines(
      db,
      slice.map((line) => line.id),
    );
  }
}

async function* keyset(next: (last: number) => Promise<number[]>): AsyncGenerator<number[]> {
  for (let slice = await next(0); slice.length > 0; slice = await next(Math.max(...slice))) yield slice;
}

async function* keysetRecords(next: (last: number) => Promise<OdooRecord[]>): AsyncGenerator<OdooRecord[]> {
  for (let slice = await next(0); slice.length > 0; slice = await next(slice.at(-1)?.id ?? 0)) yield slice;
}
