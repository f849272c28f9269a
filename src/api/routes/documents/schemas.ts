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
  archivedAt: moment.nullable().describe('when it was found gone from Odoo'),
  archiveReason: z.string().nullable(),
  contentHash: z.string(),
};

export const line = z.object({ ...record, bcOdooId: z.int() });

export const document = z.object({
  ...record,
  changedAt: moment.describe('when header or lines last changed in the mirror'),
  lines: z.array(line).optional(),
});

export const documentPage = pageOf(document).extend({
  total: z.int().optional().describe('of the whole list, where `count` asks for it'),
  totalIsEstimate: z.boolean().optional(),
});

const changedDocument = document.extend({
  action: z
    .enum(FEED_ACTIONS)
    .describe(
      'created: not in the mirror when nothing was left for the reader last; archived: gone from Odoo',
    ),
});

export const changePage = z.object({
  items: z.array(changedDocument),
  nextCursor: z.string().describe('`after` of the next request, also where nothing is left'),
  hasMore: z.boolean().describe('more has changed already'),
  restarted: z
    .boolean()
    .describe('the database was restored or moved since `after`: this is the first page again'),
});

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
