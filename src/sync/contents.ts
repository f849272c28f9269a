import { PasserelleError } from '../errors.ts';
import { OdooTimeoutError } from '../odoo/errors.ts';
import type { OdooClient, OdooRecord } from '../odoo/types.ts';
import { promisedBytes, promisedInAll } from './size-text.ts';

/** Contents asked of Odoo in one call, as far as the size texts promise; a larger one is asked for alone. */
const BYTES_PER_CALL = 8 * 1024 * 1024;
const RECORDS_PER_CALL = 100;

/** Odoo did not send contents in time. */
export class ContentTimeoutError extends PasserelleError {
  override readonly name = 'ContentTimeoutError';
  readonly code = 'odoo_content_timeout';
  override readonly retryable = true;
  constructor(model: string, { holders, fields }: Ask, cause: OdooTimeoutError) {
    const [first] = holders;
    const which = holders.length === 1 ? `${model} ${first?.id}` : `${holders.length} records of ${model}`;
    const bytes = holders.reduce((total, { sizes }) => total + promisedInAll(pick(sizes, fields)), 0);
    super(
      `${which}: ${fields.join(', ')} (${megabytes(bytes)} on the line) did not arrive before ODOO_TIMEOUT_MS was over. ` +
        'Raise it, or leave the contents of binary fields out with SYNC_BINARIES=off.',
      { cause },
    );
  }
}

const megabytes = (bytes: number) => `${(bytes / 1024 / 1024).toFixed(1)} MB`;

/** A record whose binary fields have content: their size texts, by field. */
export interface Holder {
  readonly id: number;
  readonly sizes: Readonly<Record<string, string>>;
}

/** One call: these fields of these records. */
interface Ask {
  readonly holders: readonly Holder[];
  readonly fields: readonly string[];
}

/** What a call brought: fields of records, by id. A record that is gone is not among them. */
export interface Contents {
  readonly fields: readonly string[];
  readonly records: ReadonlyMap<number, OdooRecord>;
}

/**
 * Reads the contents of binary fields, so many at a time that memory holds a few megabytes, or one content.
 *
 * @throws ContentTimeoutError, and what else the Odoo client throws.
 */
export async function* readContents(
  odoo: OdooClient,
  model: string,
  holders: readonly Holder[],
): AsyncGenerator<Contents> {
  for (const ask of asksFor(holders)) {
    const { fields } = ask;
    const ids = ask.holders.map(({ id }) => id);
    try {
      const records = await odoo.read(model, ids, { fields });
      yield { fields, records: new Map(records.map((record) => [record.id, record])) };
    } catch (error) {
      throw error instanceof OdooTimeoutError ? new ContentTimeoutError(model, ask, error) : error;
    }
  }
}

function asksFor(holders: readonly Holder[]): Ask[] {
  const isLarge = ({ sizes }: Holder) => promisedInAll(sizes) > BYTES_PER_CALL;
  const small = holders.filter((holder) => !isLarge(holder));
  const together = inGroups(small, ({ sizes }) => promisedInAll(sizes), {
    bytes: BYTES_PER_CALL,
    count: RECORDS_PER_CALL,
  }).map((group) => ({
    holders: group,
    fields: [...new Set(group.flatMap(({ sizes }) => Object.keys(sizes)))],
  }));
  const apart = holders
    .filter(isLarge)
    .flatMap((holder) => fieldsApart(holder).map((fields) => ({ holders: [holder], fields })));
  return [...together, ...apart];
}

/** The fields of a large record, a few small ones together. */
function fieldsApart({ sizes }: Holder): string[][] {
  return inGroups(Object.keys(sizes), (field) => promisedBytes(sizes[field] ?? ''), {
    bytes: BYTES_PER_CALL,
    count: RECORDS_PER_CALL,
  });
}

/** Splits a list, in its order, so that no group outweighs the limit; what does so by itself is a group of its own. */
export function inGroups<T>(
  items: readonly T[],
  bytesOf: (item: T) => number,
  most: { readonly bytes: number; readonly count: number },
): T[][] {
  const groups: T[][] = [];
  let room = 0;
  for (const item of items) {
    const bytes = bytesOf(item);
    const last = groups.at(-1);
    if (last === undefined || last.length === most.count || bytes > room) {
      groups.push([item]);
      room = most.bytes - bytes;
    } else {
      last.push(item);
      room -= bytes;
    }
  }
  return groups;
}

function pick(sizes: Readonly<Record<string, string>>, fields: readonly string[]): Record<string, string> {
  return Object.fromEntries(Object.entries(sizes).filter(([field]) => fields.includes(field)));
}
