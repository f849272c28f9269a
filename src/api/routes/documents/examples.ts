import type { Reference } from '../../schemas.ts';

const record = {
  createDate: '2026-01-12T09:30:00.000Z',
  writeDate: '2026-01-31T08:00:00.000Z',
  syncedAt: '2026-01-31T08:01:07.412Z',
  archivedAt: null,
  archiveReason: null,
};

const line = {
  odooId: 117,
  fields: { id: 117, name: 'Propane 13 kg', product_qty: 40, price_unit: 31.5 },
  ...record,
  contentHash: '5c1f0e1d9f6b47a6',
  bcOdooId: 42,
};

const bc = {
  odooId: 42,
  fields: {
    id: 42,
    name: 'BC/2026/00042',
    state: 'confirmed',
    partner_id: [7, 'Azure Interior'],
    amount_total: 1260,
    line_ids: [117],
  },
  ...record,
  contentHash: '9d2f6a3be81c40f7',
  changedAt: '2026-01-31T08:01:07.398Z',
};

const odooId = 42;
const choice = {
  fields: 'name,state,partner_id,amount_total',
  include: 'lines',
  line_fields: 'name,product_qty',
};
const filters = {
  q: 'azure',
  state: 'confirmed',
  updated_since: '2026-01-31T08:00:00Z',
  archived: 'include',
  filter: { amount_total: { gte: '1000' }, partner_id: { like: 'azure' } },
};
const BAD_FILTER = ['unknown_field', 'unknown_operator', 'bad_value'];

/** The routes of BCs. */
export const bcReference: Reference = {
  'GET /api/v1/bc': {
    description:
      'Page by page, in any order: pages hold every BC once, also while BCs change between them. Filters are ' +
      '`filter[field]=value` or `filter[field][operator]=value`, and all of them have to hold. Operators: texts ' +
      '(char, text, html, selection, date, datetime, reference) have eq ne gt gte lt lte in like null; numbers eq ne gt ' +
      'gte lt lte in null; booleans eq ne null; many2one, by id or by name, eq ne in like null; one2many and many2many, ' +
      'by an id that they hold, eq in null; all others null. `in` takes values with commas between; `like` finds a text ' +
      'anywhere, whichever case; `null` is true or false. GET /api/v1/sync/model lists the fields.',
    answer: { items: [bc], nextCursor: null, total: 1, totalIsEstimate: false },
    parameters: {
      ...filters,
      ...choice,
      limit: 50,
      sort: '-amount_total',
      count: 'exact',
      cursor: 'WyJabC...',
    },
    problems: [...BAD_FILTER, 'bad_cursor', 'lines_not_included'],
  },
  'GET /api/v1/bc/{odooId}': {
    description: 'An archived BC has archivedAt; with include=lines it shows the lines that it had.',
    answer: { ...bc, lines: [line] },
    parameters: { odooId, ...choice },
    problems: ['bc_not_found', 'unknown_field', 'lines_not_included'],
  },
  'GET /api/v1/bc/{odooId}/lines': {
    description:
      'Page by page. Lines that are gone come with archived=include, and with a BC that is gone itself.',
    answer: { items: [line], nextCursor: null },
    parameters: { odooId, limit: 50, cursor: 117, archived: 'exclude', fields: 'name,product_qty' },
    problems: ['bc_not_found', 'unknown_field'],
  },
  'GET /api/v1/bc/{odooId}/history': {
    description:
      'Each entry names the fields that changed, with their old and new values, and the run that saw it.',
    answer: {
      items: [
        {
          id: 90_210,
          at: '2026-01-31T08:01:07.398Z',
          action: 'updated',
          changes: { header: { state: { old: 'draft', new: 'confirmed' } } },
          run: { id: 311, mode: 'incremental', trigger: 'schedule' },
        },
      ],
      nextCursor: null,
    },
    parameters: { odooId, limit: 50, cursor: 90_210 },
    problems: ['bc_not_found'],
  },
  'GET /api/v1/bc/changes': {
    description:
      'The change feed, for copies that are kept in step. Each BC comes once, at its last change, as it is now, archived ' +
      'ones too. Store the items by odooId, then nextCursor, and ask with it again: at once while hasMore, later ' +
      'otherwise. Nothing is lost between two answers, whatever was being written meanwhile; a cursor never expires. ' +
      'After a restore or move of the database the feed may start from the beginning, with `restarted`. A save in Odoo that ' +
      'changed nothing but write_date is no change.',
    answer: {
      items: [{ ...bc, action: 'updated' }],
      nextCursor: 'WyIxLTE3NjkiLCI4MTIzIiw0Mi...',
      hasMore: false,
      restarted: false,
    },
    parameters: { after: 'WyIxLTE3NjkiLCI4MTIzIiw0Mi...', limit: 500, ...choice },
    problems: ['bad_cursor', 'unknown_field', 'lines_not_included'],
  },
  'GET /api/v1/bc/export': {
    description:
      'Every BC that the filters find, by ascending id, all as they were at one moment. CSV is by RFC 4180: a row of ' +
      'names, a many2one as `<field>_id` and `<field>_name`, ids of one2many and many2many with blanks between, sizes in ' +
      'bytes for binary contents that are not asked for by name, and an apostrophe before texts that a spreadsheet ' +
      'would take for formulas. NDJSON has on each line what the list has as an item. A file that breaks off ends ' +
      'with the connection, never as if it were whole.',
    answer:
      'id,name,state,amount_total,mirror_changed_at,mirror_archived_at\r\n42,BC/2026/00042,confirmed,1260,2026-01-31T08:01:07.398Z,\r\n',
    parameters: {
      ...{ format: 'csv', of: 'bc', delimiter: 'semicolon', decimal: 'comma', bom: 'true' },
      ...filters,
      ...choice,
    },
    problems: [...BAD_FILTER, 'lines_not_included', 'too_many_exports'],
  },
  'POST /api/v1/bc/{odooId}/resync': {
    description: 'The answer comes before the work; Location leads to the run.',
    answer: { runId: 312, jobId: 'run-312' },
    parameters: { odooId },
    problems: ['odoo_not_configured', 'redis_unavailable'],
  },
};
