import { TrytonRequestError } from './errors.ts';
import type { TrytonContext } from './types.ts';

/** A search domain of Tryton: `[['name', 'ilike', '%dunder%']]`; `[]` is every record. */
export type Domain = readonly unknown[];

type Direction = 'ASC' | 'DESC';

/** `[['name', 'ASC'], ['id', 'DESC']]` */
export type Order = readonly (readonly [
  field: string,
  direction: Direction | `${Direction} NULLS ${'FIRST' | 'LAST'}`,
])[];

/** A record as it is read: the fields of `T` and its id. */
export type Row<T> = T & { readonly id: number };

export interface RecordOptions {
  /** Its members override those of the client's context. */
  readonly context?: TrytonContext | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface ReadOptions extends RecordOptions {
  /** Without fields, a record is only its id. `party.name` reads the name of another record: see Tryton's manual. */
  readonly fields?: readonly string[] | undefined;
}

export interface SearchOptions extends ReadOptions {
  /** @default 0 */
  readonly offset?: number | undefined;
  /** @default no limit */
  readonly limit?: number | undefined;
  /** @default the order of the model */
  readonly order?: Order | undefined;
}

export interface PageOptions extends ReadOptions {
  /** The maximum of records in a page, from 1. @default 500 */
  readonly size?: number | undefined;
}

/** A call of a helper, before its values are encoded. */
export interface RecordCall {
  readonly method: string;
  readonly params: readonly unknown[];
}

const PAGE_SIZE = 500;

/**
 * The parameters in the order of `search_read` in Tryton 5.0 to 7.0. `id` is always named, because Tryton 5.0 reads all
 * fields if none is named.
 */
export function searchReadCall(model: string, domain: Domain, options: SearchOptions): RecordCall {
  const { offset = 0, limit = null, order = null, fields } = options;
  return recordCall(model, 'search_read', [domain, offset, limit, order, named(fields)], options);
}

export function readCall(model: string, ids: readonly number[], options: ReadOptions): RecordCall {
  return recordCall(model, 'read', [ids, named(options.fields)], options);
}

export function recordCall(
  model: string,
  verb: string,
  params: readonly unknown[],
  { context }: RecordOptions,
): RecordCall {
  return { method: `model.${model}.${verb}`, params: context === undefined ? params : [...params, context] };
}

/** Tryton guarantees no order of `read`. */
export function inOrderOf<T>(ids: readonly number[], rows: readonly Row<T>[]): Row<T>[] {
  const byId = new Map(rows.map((row) => [row.id, row]));
  return ids.flatMap((id) => byId.get(id) ?? []);
}

/**
 * Reads pages in the order of the ids, each from the last id of the previous one. So a record that is created or deleted
 * meanwhile moves no other record to another page, as it would with an offset.
 */
export async function* pagesById<T>(
  domain: Domain,
  { size = PAGE_SIZE, ...options }: PageOptions,
  searchRead: (domain: Domain, options: SearchOptions) => Promise<Row<T>[]>,
): AsyncGenerator<Row<T>[], void, undefined> {
  if (!(Number.isSafeInteger(size) && size >= 1))
    throw new TrytonRequestError(`size of a page: expected a whole number from 1, got ${String(size)}`);
  for (let after: number | null = null; ; ) {
    const rest = after === null ? domain : [domain, ['id', '>', after], ...inactiveOf(domain)];
    const page: Row<T>[] = await searchRead(rest, { ...options, limit: size, order: [['id', 'ASC']] });
    if (page.length > 0) yield page;
    after = page.at(-1)?.id ?? null;
    if (page.length < size || after === null) return;
  }
}

/**
 * Tryton hides inactive records unless a clause about `active` is at the same level. The clauses of an `OR` are one
 * level below the id, so without this clause the later pages would hide what the first one shows.
 */
function inactiveOf(domain: Domain): Domain {
  const isNamed = domain[0] === 'OR' && domain.some((part) => Array.isArray(part) && part[0] === 'active');
  return isNamed ? [['active', 'in', [true, false]]] : [];
}

function named(fields: readonly string[] = []): readonly string[] {
  return fields.includes('id') ? fields : ['id', ...fields];
}
