import { z } from 'zod';
import { FEED_ACTIONS } from '../../../db/documents/change-feed.ts';
import { AUDIT_ACTIONS } from '../../../db/schema/audit.ts';
import { RUN_MODES, RUN_TRIGGERS } from '../../../db/schema/sync.ts';
import { moment, pageOf } from '../../schemas.ts';

const record = {
  odooId: z.int(),
  fields: z.record(z.string(), z.unknown()).describe('as Odoo gave them'),
  createDate: moment.nullable().describe('create_date of Odoo'),
  writeDate: moment.nullable().describe('write_date of Odoo'),
  syncedAt: moment.describe('when Odoo was last seen to have this content'),
  archivedAt: moment
    .nullable()
    .describe('when it was found gone from Odoo, or outside the domain of the mirror'),
  archiveReason: z
    .string()
    .nullable()
    .describe(
      'gone, out_of_scope, erased (on request; no content is left), or removed (a line that left its document)',
    ),
  contentHash: z.string(),
};

const exampleRecord = {
  createDate: '2026-01-12T09:30:00.000Z',
  writeDate: '2026-01-31T08:00:00.000Z',
  syncedAt: '2026-01-31T08:01:07.412Z',
  ...{ archivedAt: null, archiveReason: null },
};

const exampleLine = {
  odooId: 117,
  fields: { id: 117, name: 'Propane 13 kg', product_qty: 40, price_unit: 31.5 },
  ...exampleRecord,
  contentHash: '5c1f0e1d9f6b47a6',
  bcOdooId: 42,
};

const exampleDocument = {
  odooId: 42,
  fields: {
    ...{ id: 42, name: 'BC/2026/00042', state: 'confirmed', partner_id: [7, 'Azure Interior'] },
    ...{ amount_total: 1260, line_ids: [117] },
  },
  ...exampleRecord,
  contentHash: '9d2f6a3be81c40f7',
  changedAt: '2026-01-31T08:01:07.398Z',
};

/** A record of another mirror. */
const related = z.object({ ...record, changedAt: moment });
const included = z
  .record(z.string(), related.nullable())
  .optional()
  .describe(
    'with `include`: the record of each many2one field; null: the field is empty, or no mirror has it',
  );

export const line = z.object({ ...record, bcOdooId: z.int(), included });

export const linePage = pageOf(line, exampleLine);

export const document = z.object({
  ...record,
  changedAt: moment.describe('when header or lines last changed in the mirror'),
  included,
  lines: z.array(line).optional(),
});

const exampleRelated = {
  odooId: 7,
  fields: { id: 7, name: 'Azure Interior', email: 'azure@example.com', city: 'Lyon' },
  ...exampleRecord,
  contentHash: '07be2f41c6d09a35',
  changedAt: '2026-01-31T08:01:07.398Z',
};

export const oneDocument = document.meta({
  examples: [{ ...exampleDocument, included: { partner_id: exampleRelated }, lines: [exampleLine] }],
});

export const documentPage = pageOf(document, exampleDocument)
  .extend({
    total: z.int().optional().describe('of the whole list, if `count` is set'),
    totalIsEstimate: z.boolean().optional(),
  })
  .meta({ examples: [{ items: [exampleDocument], nextCursor: null, total: 1, totalIsEstimate: false }] });

const changedDocument = document.extend({
  action: z
    .enum(FEED_ACTIONS)
    .describe(
      'created: not in the mirror when nothing was left for the reader last; archived: gone from Odoo',
    ),
});

export const exampleFeedCursor = 'WyIxLTE3NjkiLCI4MTIzIiw0Mi...';

const exampleChanges = {
  items: [{ ...exampleDocument, action: 'updated' }],
  ...{ nextCursor: exampleFeedCursor, hasMore: false, restarted: false },
};

export const changePage = z
  .object({
    items: z.array(changedDocument),
    nextCursor: z.string().describe('`after` of the next request, also where nothing is left'),
    hasMore: z.boolean().describe('more has changed already'),
    restarted: z
      .boolean()
      .describe('the database was restored or moved since `after`: this is the first page again'),
  })
  .meta({ examples: [exampleChanges] });

export const change = z.object({
  id: z.int(),
  at: moment,
  action: z.enum(AUDIT_ACTIONS),
  changes: z.record(z.string(), z.unknown()).describe('header, linesAdded, linesRemoved, linesChanged'),
  run: z.object({
    id: z.int(),
    mode: z.enum(RUN_MODES).nullable(),
    trigger: z.enum(RUN_TRIGGERS).nullable(),
  }),
});

export const historyPage = pageOf(change, {
  ...{ id: 90_210, at: '2026-01-31T08:01:07.398Z', action: 'updated' },
  changes: { header: { state: { old: 'draft', new: 'confirmed' } } },
  run: { id: 311, mode: 'incremental', trigger: 'schedule' },
});
