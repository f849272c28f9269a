import { z } from 'zod';
import { PAGE_BYTES } from '../db/documents/queries.ts';
import { ITEM_STATES } from '../db/schema/ledger.ts';
import { RUN_MODES, RUN_STATUSES, RUN_TRIGGERS } from '../db/schema/sync.ts';

/** A `Date` in the handler, ISO 8601 on the wire. */
export const moment = z.codec(z.iso.datetime(), z.date(), {
  decode: (text) => new Date(text),
  encode: (date) => date.toISOString(),
});

/** PostgreSQL takes any text but one with a NUL character. */
export const NO_NUL = /^[^\0]*$/;

/** Whether PostgreSQL and Odoo know such a moment; JavaScript goes further. Other zones may lead there from within. */
export function isInFourDigits(at: Date): boolean {
  const year = at.getUTCFullYear();
  return year >= 1 && year <= 9999;
}
export const YEARS = 'in the years 1 to 9999 of UTC';

/** `0x10`, `1e2` and ` 1` are numbers to JavaScript only. */
const decimal = (given: unknown) =>
  typeof given === 'string' && /^\d+$/.test(given) ? Number(given) : given;

const MAX_PAGE = 500;
const limitText = `a whole number from 1 to ${MAX_PAGE}`;
export const limit = z
  .preprocess(decimal, z.int(limitText).min(1, limitText).max(MAX_PAGE, limitText).default(50))
  .describe('items per page');

/** The limit of lists whose items may be large. */
export const limitWithinBytes = limit.describe(
  `items per page at most: a page ends with the item by which it comes to ${PAGE_BYTES / 1024 / 1024} MB`,
);

const idText = 'a whole number above 0';
/** An id in a path or a query. */
const id = z.preprocess(decimal, z.int(idText).min(1, idText));

/** A cursor that is the last id of the page before. */
export const idCursor = id.optional().describe('nextCursor of the page before');

export const idParam = z.object({ id });
export const odooIdParam = z.object({ odooId: id });

/** Any list: `nextCursor` is null on the last page. */
export const pageOf = <Item extends z.ZodType>(item: Item) =>
  z.object({ items: z.array(item), nextCursor: z.string().nullable() });

/** A page out of rows that were asked for with one more than `limit`. */
export function toPage<Row>(rows: readonly Row[], size: number, cursor: (last: Row) => string | number) {
  const items = rows.slice(0, size);
  const last = items.at(-1);
  return { items, nextCursor: rows.length > size && last !== undefined ? String(cursor(last)) : null };
}

export const run = z.object({
  id: z.int(),
  mode: z.enum(RUN_MODES),
  trigger: z.enum(RUN_TRIGGERS),
  status: z.enum(RUN_STATUSES),
  requestedAt: moment,
  startedAt: moment.nullable(),
  finishedAt: moment.nullable(),
  since: moment.nullable(),
  nowSync: moment.nullable(),
  continues: z.int().nullable().describe('the failed run whose open BCs this one took over'),
  odooIds: z.array(z.int()).nullable(),
  force: z.boolean().describe('the breakers for BCs and lines did not apply to this run'),
  protocol: z.string().nullable(),
  odooVersion: z.string().nullable(),
  planned: z.int(),
  seen: z.int(),
  created: z.int(),
  updated: z.int(),
  unchanged: z.int(),
  archived: z.int(),
  gone: z.int(),
  failed: z.int(),
  late: z.int().describe('changes that a sweep found and no later window would have'),
  linesSeen: z.int(),
  linesRemoved: z.int(),
  rpcCalls: z.int(),
  durationMs: z.int().nullable(),
  errorCode: z.string().nullable(),
  errorMessage: z.string().nullable(),
});

/** A run and how many of its BCs are in each state, now. */
export const runWithProgress = run.extend({ progress: z.partialRecord(z.enum(ITEM_STATES), z.int()) });

/** Descriptions and examples of a route in the OpenAPI document. A test validates every example. */
export interface RouteReference {
  /** Where the route's own schema has none. */
  readonly description?: string;
  /** An example answer, if the route schema has none: JSON, or text. */
  readonly answer?: unknown;
  /** The codes of the problems that are its own: those that any route may have are added. */
  readonly problems: readonly string[];
  /** By name, in path and query. */
  readonly parameters?: Readonly<Record<string, unknown>>;
  readonly body?: unknown;
}

/** By method and path, as the document writes them. */
export type Reference = Readonly<Record<string, RouteReference>>;
