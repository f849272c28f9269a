import type { Database } from '../db/connection.ts';
import { ownersOfLines } from '../db/stored.ts';
import type { Domain, OdooClient, OdooRecord } from '../odoo/types.ts';
import { listRecords } from './listing.ts';
import type { DocumentModel } from './model.ts';
import { headerOf } from './model.ts';
import { odooDateTime } from './window.ts';

/** Ids asked for in one call. Only ids travel, so a slice is small. */
const SLICE = 10_000;

/** Every header id, ascending, in slices. Ends on an empty answer: a short one is not the last. */
export async function* allHeaders(odoo: OdooClient, model: DocumentModel): AsyncGenerator<number[]> {
  yield* keyset((last) => odoo.search(model.header.name, [['id', '>', last]], { order: 'id', limit: SLICE }));
}

/**
 * Headers that changed since `since`: themselves, and through a line. Either may be asked for without the other.
 *
 * A line written directly leaves its header's `write_date` alone (seen on 14.0 and 19.0), so lines are asked by
 * their own. A line that moved to another BC changes the one it left as well. Of a line that Odoo refuses to hand
 * over, only the BC that the mirror gives it is known.
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
