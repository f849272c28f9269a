import { z } from 'zod';
import type { Database } from '../../../db/client.ts';
import { fieldKind } from '../../../db/documents/field-expressions.ts';
import { OPERATOR_NAMES, OPERATORS } from '../../../db/documents/filters.ts';
import { listModelChanges } from '../../../db/odoo-model/fields.ts';
import { isViewCurrent, type View, viewsOf } from '../../../db/odoo-model/typed-views.ts';
import { documentLinks, UNSEEN_CHANGES, unseenChanges } from '../../../db/odoo-model/unseen-changes.ts';
import { viewColumns } from '../../../db/odoo-model/view-columns.ts';
import { MODEL_CHANGES, type OdooFieldRow } from '../../../db/schema/model.ts';
import type { OdooFieldDescription } from '../../../odoo/types.ts';
import type { Api } from '../../context.ts';
import { idCursor, limit, moment, pageOf, toPage } from '../../schemas.ts';
import { listKnownFields } from '../documents/fields-cache.ts';
import { findServed, mirrorOrBc, type ServedMirrors } from '../documents/place.ts';
import { isSortable } from '../documents/query.ts';

export const field = z.object({
  name: z.string(),
  type: z.string().describe("Odoo's field type"),
  label: z.string(),
  relation: z.string().nullable(),
  selection: z
    .array(z.tuple([z.string(), z.string()]))
    .nullable()
    .describe('the values of a selection, each with its label'),
  operators: z
    .array(z.enum(OPERATOR_NAMES))
    .describe('those of `filter[field][operator]` that suit its type'),
  sortable: z.boolean().describe('the list of BCs can be sorted by it'),
  unseenChanges: z
    .array(z.enum(UNSEEN_CHANGES))
    .describe('changes that move no `write_date`: only sweeps and full runs find them'),
  mirrored: z.boolean().describe('false: its contents are left out (SYNC_BINARIES=off)'),
  columns: z
    .array(z.object({ name: z.string(), type: z.string() }))
    .describe('of the view, with their PostgreSQL types'),
});

export const model = z.object({
  model: z.string(),
  view: z.string(),
  viewCurrent: z
    .boolean()
    .describe(
      'false: the view is not updated yet (see the log of the worker), or no run has read the model yet',
    ),
  fields: z.array(field).describe('as Odoo describes them'),
});

const description = z
  .record(z.string(), z.unknown())
  .nullable()
  .describe(
    "the field as Odoo describes it; of kind reader: the values that changed of Odoo's user and ODOO_CONTEXT",
  );

export const modelChange = z.object({
  id: z.int(),
  at: moment,
  model: z.string(),
  field: z.string(),
  kind: z
    .enum(MODEL_CHANGES)
    .describe(
      'reader: another user of Odoo, language, time zone, companies or ODOO_CONTEXT; no field changed',
    ),
  old: description,
  new: description,
  runId: z.int().describe('the run that detected the change'),
  reread: z.boolean().describe('every BC is read again after it'),
});

const exampleField = {
  ...{ name: 'partner_id', type: 'many2one', label: 'Vendor', relation: 'res.partner', mirrored: true },
  unseenChanges: ['name'],
  ...{ selection: null, operators: ['eq', 'ne', 'in', 'like', 'null'], sortable: true },
  columns: [
    { name: 'partner_id_id', type: 'bigint' },
    { name: 'partner_id_name', type: 'text' },
  ],
};

const exampleChange = {
  ...{ id: 4, at: '2026-01-30T03:00:02.118Z', model: 'dimagaz.bc', field: 'priority', kind: 'added' },
  ...{ old: null, new: { type: 'selection', string: 'Priority' }, runId: 290, reread: true },
};

const modelPage = pageOf(modelChange, exampleChange)
  .extend({ models: z.array(model) })
  .meta({
    examples: [
      {
        models: [{ model: 'dimagaz.bc', view: 'dimagaz_bc', viewCurrent: true, fields: [exampleField] }],
        ...{ items: [exampleChange], nextCursor: null },
      },
    ],
  });

export function modelRoute(api: Api, mirrors: ServedMirrors): void {
  api.get(
    '/api/v1/sync/model',
    {
      config: { scope: 'bc:read', problems: ['mirror_not_found'] },
      schema: {
        tags: ['sync'],
        summary: 'The mirrored models with fields and view columns, and their changes, newest first',
        description:
          'The fields are those that lists can be filtered and sorted by, and that `fields` can select. A mirror without ' +
          'lines has one model.',
        querystring: z.strictObject({ mirror: mirrorOrBc, limit, cursor: idCursor }),
        response: {
          200: modelPage,
        },
      },
    },
    async ({ query: { mirror, limit: size, cursor } }) => {
      const { models: mirrored, store } = findServed(mirrors, mirror);
      const { db } = store;
      const lineModel = mirrored.lineModel ?? '';
      const [changes, { header, line }] = await Promise.all([
        listModelChanges(db, [mirrored.model, lineModel], { limit: size + 1, before: cursor }),
        listKnownFields(db, mirrored),
      ]);
      const links = documentLinks(header, lineModel);
      const views = viewsOf(store);
      const models = await Promise.all([
        presentModel(db, mirrored.model, views.header, header, links.header),
        ...(mirrored.lineModel === null ? [] : [presentModel(db, lineModel, views.line, line, links.line)]),
      ]);
      const rows = changes.map((row) => ({
        ...row,
        old: row.old && { ...row.old },
        new: row.new && { ...row.new },
      }));
      return { models, ...toPage(rows, size, (last) => last.id) };
    },
  );
}

async function presentModel(
  db: Database,
  name: string,
  view: View,
  fields: readonly OdooFieldRow[],
  links: ReadonlySet<string>,
): Promise<z.infer<typeof model>> {
  const columns = viewColumns(fields, view.own);
  return {
    model: name,
    view: view.name,
    viewCurrent: await isViewCurrent(db, view, name),
    fields: fields.map((row) => {
      const { name: of, type, label, relation, description: said } = row;
      return {
        ...{ name: of, type, label, relation, mirrored: said.mirrored !== false },
        selection: presentSelection(said.selection),
        operators: [...OPERATORS[fieldKind(type)]],
        sortable: isSortable(type),
        unseenChanges: unseenChanges(row, links),
        columns: columns.filter((column) => column.field === of).map((column) => presentColumn(column)),
      };
    }),
  };
}

/** Odoo sends pairs of value and label. Entries in another form are left out. */
function presentSelection(given: OdooFieldDescription['selection']): [string, string][] | null {
  if (given === undefined) return null;
  return given.flatMap((pair): [string, string][] => {
    const [value, label] = Array.isArray(pair) ? pair : [];
    return typeof value === 'string' && typeof label === 'string' ? [[value, label]] : [];
  });
}

const presentColumn = ({ name, type }: { readonly name: string; readonly type: string }) => ({ name, type });
