import type { Domain, OdooClient, OdooRecord } from '../odoo/types.ts';
import type { DocumentModel } from './model.ts';
import { headerOf } from './model.ts';

/** A header with the lines that were read for it. */
export interface HeaderAndLines {
  readonly header: OdooRecord;
  readonly lines: readonly OdooRecord[];
}

/** Lines asked for in one call. */
const LINES_PER_CALL = 5000;

/**
 * Lines are asked for by their header, not by the header's own list, which record rules may have filtered. A line
 * that was found by its header and does not name it (rules may hide that too) is asked for header by header. Those of
 * a header that vanished meanwhile are left out.
 *
 * `first`: what `linesAfter` gave from the beginning.
 */
export async function readLines(
  odoo: OdooClient,
  model: DocumentModel,
  ids: readonly number[],
  headers: readonly OdooRecord[],
  first: readonly OdooRecord[],
): Promise<Map<number, OdooRecord[]>> {
  const byHeader = new Map<number, OdooRecord[]>(headers.map((header) => [header.id, []]));
  const asked = new Set(ids);
  const strays = new Map<number, OdooRecord>();
  const promised = new Set(headers.flatMap((header) => promisedLines(header, model.linesField)));
  for await (const line of linesOf(odoo, model, ids, first, promised)) {
    const owner = headerOf(line, model.inverse) ?? 0;
    if (asked.has(owner)) byHeader.get(owner)?.push(line);
    else strays.set(line.id, line);
  }
  for (const headerId of strays.size === 0 ? [] : byHeader.keys()) {
    const domain: Domain = [
      [model.inverse, '=', headerId],
      ['id', 'in', [...strays.keys()]],
    ];
    const found = (await odoo.search(model.line.name, domain)).map((id) => strays.get(id));
    byHeader.get(headerId)?.push(...found.filter((line) => line !== undefined));
  }
  return byHeader;
}

/** Lines that a header lists itself; record rules may hide some of them, or others from the list. */
export function promisedLines(header: OdooRecord, linesField: string): number[] {
  const { [linesField]: value } = header;
  return Array.isArray(value) ? value.filter((id) => typeof id === 'number') : [];
}

/**
 * Keyset by id, until an answer is empty: rules of access may thin out a slice without its being the last. The
 * closing empty answer is spared when the slice was short and brought all that the headers promised.
 */
async function* linesOf(
  odoo: OdooClient,
  model: DocumentModel,
  ids: readonly number[],
  first: readonly OdooRecord[],
  missing: Set<number>,
): AsyncGenerator<OdooRecord> {
  for (let slice = first; slice.length > 0; ) {
    yield* slice;
    for (const line of slice) missing.delete(line.id);
    if (slice.length < LINES_PER_CALL && missing.size === 0) return;
    slice = await linesAfter(odoo, model, ids, slice.at(-1)?.id ?? 0);
  }
}

/** The next lines of these headers, by ascending id. */
export function linesAfter(
  odoo: OdooClient,
  model: DocumentModel,
  ids: readonly number[],
  last: number,
): Promise<OdooRecord[]> {
  const domain: Domain = [
    [model.inverse, 'in', ids],
    ['id', '>', last],
  ];
  const options = { fields: model.line.requested, binSize: true, order: 'id', limit: LINES_PER_CALL };
  return odoo.searchRead(model.line.name, domain, options);
}
