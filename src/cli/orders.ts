import { type BcLabel, readDocuments, readLabels } from '../db/documents/queries.ts';
import type { MirrorStore } from '../db/documents/tables.ts';
import { AmbiguousOrderError, BadArgumentError, UnknownOrderError } from './errors.ts';
import type { Words } from './text.ts';

/** Orders of one number that an error lists. */
const MAX_LISTED = 10;

/** The argument of a command that names orders, for its help. */
export const ORDER_ARGUMENT = 'id of an order in Odoo (42), or its number (BC/2023/00042)';

/**
 * The Odoo ids of orders that a command line names by id or by number (the field `name`), without duplicates. An id need
 * not be in the mirror. A number that looks like an id is an id.
 *
 * @throws BadArgumentError, UnknownOrderError, AmbiguousOrderError
 */
export async function orderIds(
  store: MirrorStore,
  given: readonly string[],
  words: Words,
): Promise<number[]> {
  const ids: number[] = [];
  for (const text of given)
    ids.push(/^\d+$/.test(text) ? readId(text) : await idOfNumber(store, text, words));
  return [...new Set(ids)];
}

/** @throws BadArgumentError */
export function readId(text: string): number {
  const id = Number(text);
  if (!Number.isSafeInteger(id) || id < 1)
    throw new BadArgumentError(`${text} is not an id of Odoo. Expected a whole number such as 42.`);
  return id;
}

async function idOfNumber(store: MirrorStore, number: string, words: Words): Promise<number> {
  const { items } = await readDocuments(store, {
    filter: {
      conditions: [{ field: 'name', test: 'compare', operator: 'eq', extract: 'text', values: [number] }],
      search: null,
      changedSince: null,
      archived: 'include',
    },
    order: { field: null, extract: 'id', descending: false },
    after: null,
    limit: MAX_LISTED,
    pick: [],
    lines: 'none',
    linePick: null,
  });
  const found = JSON.parse(items) as { odooId: number; archivedAt: string | null }[];
  const [first, ...others] = found;
  if (first === undefined)
    throw new UnknownOrderError(
      `No ${words.order} of the mirror has the ${words.order === 'order' ? 'number' : 'name'} ${JSON.stringify(number)}. ` +
        `Check it, or name the ${words.order} by its id in Odoo.`,
    );
  if (others.length === 0) return first.odooId;
  const ids = found.map(({ odooId, archivedAt }) =>
    archivedAt === null ? `${odooId}` : `${odooId} (archived)`,
  );
  throw new AmbiguousOrderError(number, ids.join(', '), words);
}

/** `BC/2023/00042 (42)`; only the id without a number, because the order is not in the mirror or has none. */
export function orderText(odooId: number, label: BcLabel | undefined, { title }: Words): string {
  return label?.number == null ? `${title} ${odooId}` : `${label.number} (${odooId})`;
}

/** Number and supplier, as members of a JSON object. */
export async function labelled<Row extends { readonly odooId: number }>(
  store: MirrorStore,
  rows: readonly Row[],
): Promise<(Row & BcLabel)[]> {
  const labels = await readLabels(
    store,
    rows.map(({ odooId }) => odooId),
  );
  return rows.map((row) => ({ ...row, ...(labels.get(row.odooId) ?? { number: null, supplier: null }) }));
}
