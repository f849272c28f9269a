import type { OdooClient } from '../../src/odoo/types.ts';
import type { DocumentModel } from '../../src/sync/types.ts';

/** The counts of a fetch; its records are discarded. */
export interface Fetched {
  readonly seconds: number;
  readonly documents: number;
  readonly lines: number;
}

/** Reads the ids, or the records of some ids, whatever the client. Only the number of records matters. */
export interface Fetcher {
  readonly name: string;
  ids(): Promise<readonly number[]>;
  /** How many there were. */
  headers(ids: readonly number[]): Promise<number>;
  /** The lines of these headers. */
  lines(headerIds: readonly number[]): Promise<number>;
}

/** As the mirror has them by default. */
const PAGE = 500;
export const PAGES_IN_FLIGHT = 4;

/**
 * The lower limit for every mirror: everything read once, in pages of 500 with their lines, some pages in flight, decoded and
 * discarded. Signing in and reading the model are not counted, though a run of the mirror does both.
 */
export async function bareFetch(fetcher: Fetcher): Promise<Fetched> {
  const start = performance.now();
  const ids = await fetcher.ids();
  const pages = Array.from({ length: Math.ceil(ids.length / PAGE) }, (_, page) =>
    ids.slice(page * PAGE, (page + 1) * PAGE),
  );
  let [documents, lines] = [0, 0];
  const work = async () => {
    for (let page = pages.shift(); page !== undefined; page = pages.shift()) {
      // Not `+= await`, which would add to what there was before the pages beside this one came.
      const headers = await fetcher.headers(page);
      documents += headers;
      const theirs = await fetcher.lines(page);
      lines += theirs;
    }
  };
  await Promise.all(Array.from({ length: PAGES_IN_FLIGHT }, work));
  return { seconds: (performance.now() - start) / 1000, documents, lines };
}

/** By our own client: all the fields that the mirror reads, contents of binaries included. */
export function ourFetcher(odoo: OdooClient, model: DocumentModel): Fetcher {
  const { header, line, inverse } = model;
  return {
    name: 'bare fetch by our client',
    ids: () => odoo.search(header.name, [], { order: 'id' }),
    headers: async (ids) => (await odoo.read(header.name, ids, { fields: header.requested })).length,
    lines: async (ids) =>
      (await odoo.searchRead(line.name, [[inverse, 'in', ids]], { fields: line.requested, order: 'id' }))
        .length,
  };
}
