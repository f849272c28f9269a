import { z } from 'zod';
import { PAGE_BYTES } from '../db/documents/queries.ts';
import { ITEM_STATES } from '../db/schema/ledger.ts';
import { RUN_MODES, RUN_STATUSES, RUN_TRIGGERS } from '../db/schema/sync.ts';

/** Description and example of a parameter. */
export const doc = (description: string, example: unknown) => ({ description, examples: [example] });

/** A `Date` in the handler, ISO 8601 on the wire. */
export const moment = z.codec(z.iso.datetime(), z.date(), {
  decode: (text) => new Date(text),
  encode: (date) => date.toISOString(),
});

/** PostgreSQL accepts any text without NUL characters. */
export const NO_NUL = /^[^\0]*$/;

/** The range of PostgreSQL and Odoo. JavaScript allows more, and a time zone may move a date out of it. */
export function isInFourDigits(at: Date): boolean {
  const year = at.getUTCFullYear();
  return year >= 1 && year <= 9999;
}
export const YEARS = 'in the years 1 to 9999 of UTC';

/** Stricter than `Number`, which also accepts `0x10`, `1e2` and ` 1`. */
const decimal = (given: unknown) =>
  typeof given === 'string' && /^\d+$/.test(given) ? Number(given) : given;

const MAX_PAGE = 500;
const limitText = `a whole number from 1 to ${MAX_PAGE}`;
export const limit = z
  .preprocess(decimal, z.int(limitText).min(1, limitText).max(MAX_PAGE, limitText).default(50))
  .meta(doc('items per page', 50));

export const limitWithinBytes = limit.describe(
  `items per page at most: a page ends with the item by which it comes to ${PAGE_BYTES / 1024 / 1024} MB`,
);

const idText = 'a whole number above 0';
/** An id in a path or a query. */
const id = z.preprocess(decimal, z.int(idText).min(1, idText));

export const idCursor = id.optional().meta(doc('nextCursor of the page before', 117));

export const idParam = z.object({ id: id.meta({ examples: [311] }) });
export const odooIdParam = z.object({ odooId: id.meta({ examples: [42] }) });

/** Any list: `nextCursor` is null on the last page. A test validates the example, as JSON. */
export const pageOf = <Item extends z.ZodType>(item: Item, example: unknown) =>
  z
    .object({ items: z.array(item), nextCursor: z.string().nullable() })
    .meta({ examples: [{ items: [example], nextCursor: null }] });

/** The answer of a route that has nothing more to report. */
export const statusAnswer = <Status extends string>(status: Status) =>
  z.object({ status: z.literal(status) }).meta({ examples: [{ status }] });

/** A page of rows that were queried with `limit` + 1. */
export function toPage<Row>(rows: readonly Row[], size: number, cursor: (last: Row) => string | number) {
  const items = rows.slice(0, size);
  const last = items.at(-1);
  return { items, nextCursor: rows.length > size && last !== undefined ? String(cursor(last)) : null };
}

export const run = z.object({
  id: z.int(),
  key: z.string().describe('of its mirror, as in GET /api/v1/mirrors'),
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
  newSource: z
    .boolean()
    .describe('a sweep that reads every BC again and may move the mirror to a new source'),
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
  reread: z.int().describe('BCs that a sweep read although no date differs'),
  linesSeen: z.int(),
  linesRemoved: z.int(),
  rpcCalls: z.int(),
  durationMs: z.int().nullable(),
  errorCode: z.string().nullable(),
  errorMessage: z.string().nullable(),
});

export const exampleRun = {
  ...{ id: 311, key: 'bclinbc', mode: 'incremental', trigger: 'schedule', status: 'success' },
  requestedAt: '2026-01-31T08:01:00.004Z',
  startedAt: '2026-01-31T08:01:00.051Z',
  finishedAt: '2026-01-31T08:01:07.633Z',
  since: '2026-01-31T07:50:00.000Z',
  nowSync: '2026-01-31T08:01:00.000Z',
  ...{
    continues: null,
    odooIds: null,
    force: false,
    newSource: false,
    protocol: 'json2',
    odooVersion: '19.0',
  },
  ...{ planned: 3, seen: 3, created: 1, updated: 1, unchanged: 1, archived: 0, gone: 0, failed: 0, late: 0 },
  ...{
    reread: 0,
    linesSeen: 9,
    linesRemoved: 0,
    rpcCalls: 6,
    durationMs: 7582,
    errorCode: null,
    errorMessage: null,
  },
};

/** A run with the current number of its BCs in each state. */
export const runWithProgress = run
  .extend({ progress: z.partialRecord(z.enum(ITEM_STATES), z.int()) })
  .meta({ examples: [{ ...exampleRun, progress: { created: 1, updated: 1, unchanged: 1 } }] });
