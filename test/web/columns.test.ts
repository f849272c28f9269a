import { expect, test } from 'vitest';
import type { Field } from '../../web/api/answers.ts';
import { defaultColumns } from '../../web/pages/bc/list/columns.ts';

const fields = (types: Readonly<Record<string, string>>): { readonly fields: Field[] } => ({
  fields: Object.entries(types).map(
    ([name, type]): Field => ({
      ...{ name, type, label: name, relation: null, selection: null, operators: [], sortable: true },
      ...{ unseenChanges: [], mirrored: true, columns: [] },
    }),
  ),
});

test('an order has the usual columns', () => {
  const order = fields({ state: 'selection', ref: 'char', name: 'char', amount_total: 'monetary' });
  expect(defaultColumns(order)).toEqual(['name', 'state', 'amount_total']);
});

test('a partner has its name first, then its own fields, without those of the screens of Odoo', () => {
  const partner = fields({
    ...{ active: 'boolean', activity_state: 'selection', color: 'integer', image_128: 'binary' },
    ...{ is_company: 'boolean', customer: 'boolean', city: 'char', comment: 'text', country_id: 'many2one' },
    ...{
      message_needaction: 'boolean',
      display_name: 'char',
      name: 'char',
      vat: 'char',
      write_date: 'datetime',
    },
  });
  expect(defaultColumns(partner)).toEqual(['name', 'city', 'country_id', 'vat', 'customer']);
});

test('a model with none of the usual fields has some columns, and one without fields has none', () => {
  expect(defaultColumns(fields({ display_name: 'char', day: 'date', value: 'float', text: 'html' }))).toEqual(
    [...['display_name', 'day', 'value']],
  );
  expect(defaultColumns(fields({}))).toEqual([]);
});
