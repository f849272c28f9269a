import type { Database } from '../../../src/db/client.ts';
import { tablesNamed } from '../../../src/db/documents/tables.ts';
import { saveFields } from '../../../src/db/odoo-model/fields.ts';
import { refreshView, type View, viewsOf } from '../../../src/db/odoo-model/typed-views.ts';
import type { OdooFieldDescription } from '../../../src/odoo/types.ts';
import { tableNames } from '../../../src/shared/mirror-names.ts';

/** The views of the mirror `bc`. */
export const BC_VIEWS = viewsOf(
  tablesNamed(tableNames({ name: 'bc', model: 'dimagaz.bc', lineModel: 'dimagaz.bc.line' })),
);

export const MODEL = 'dimagaz.bc';

export type Fields = Readonly<Record<string, Partial<OdooFieldDescription> & { type: string }>>;

/** Odoo describes these fields, and the view follows. */
export async function followFields(
  db: Database,
  fields: Fields,
  model: string,
  view: View,
): Promise<boolean> {
  const described = Object.entries(fields).map(([name, field]) => [name, { name, string: name, ...field }]);
  await saveFields(db, model, Object.fromEntries(described), new Date());
  return refreshView(db, view, model);
}

export const EVERY_TYPE: Fields = {
  id: { type: 'integer' },
  count: { type: 'integer' },
  origin_id: { type: 'many2one_reference' },
  rate: { type: 'float' },
  total: { type: 'monetary' },
  urgent: { type: 'boolean' },
  name: { type: 'char' },
  state: { type: 'selection' },
  source_ref: { type: 'reference' },
  day: { type: 'date' },
  at: { type: 'datetime' },
  scan: { type: 'binary' },
  tag_ids: { type: 'many2many' },
  partner: { type: 'many2one', relation: 'res.partner' },
  extra: { type: 'json' },
  novel: { type: 'a type of the year 2040' },
};
