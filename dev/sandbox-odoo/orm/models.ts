import type { FieldDefinition, FieldType, ModelDefinition, ReadableStore, Row, Stored } from './fields.ts';
import { round } from './store.ts';

const TAX_RATE = 0.2;

const field = (type: FieldType, string: string, more: Partial<FieldDefinition> = {}): FieldDefinition => ({
  type,
  string,
  ...more,
});
const link = (relation: string, string: string, more: Partial<FieldDefinition> = {}) =>
  field('many2one', string, { relation, ...more });

const ACTIVE = field('boolean', 'Active', { default: true });

/** The header of the add-on `dimagaz`, with the same fields. */
const BC: ModelDefinition = {
  name: 'dimagaz.bc',
  description: 'Bon de commande',
  order: 'date_order desc, id desc',
  fields: {
    name: field('char', 'Number', { required: true }),
    active: ACTIVE,
    partner_id: link('res.partner', 'Supplier'),
    user_id: link('res.users', 'Buyer', { default: 2 }),
    company_id: link('res.company', 'Company', { default: 1 }),
    currency_id: link('res.currency', 'Currency', { default: 1 }),
    date_order: field('datetime', 'Ordered on'),
    date_planned: field('date', 'Expected on'),
    state: field('selection', 'State', {
      required: true,
      default: 'draft',
      selection: [
        ['draft', 'Draft'],
        ['sent', 'Sent'],
        ['confirmed', 'Confirmed'],
        ['done', 'Done'],
        ['cancel', 'Cancelled'],
      ],
    }),
    amount_untaxed: field('monetary', 'Untaxed', { readonly: true, default: 0 }),
    amount_tax: field('monetary', 'Tax', { readonly: true, default: 0 }),
    amount_total: field('monetary', 'Total', { readonly: true, default: 0 }),
    discount_rate: field('float', 'Discount rate', { digits: [16, 4] }),
    priority: field('integer', 'Priority'),
    urgent: field('boolean', 'Urgent'),
    notes: field('text', 'Notes'),
    terms: field('html', 'Terms'),
    tag_ids: field('many2many', 'Tags', { relation: 'dimagaz.tag' }),
    line_ids: field('one2many', 'Lines', { relation: 'dimagaz.bc.line', relation_field: 'bc_id' }),
    line_count: field('integer', 'Number of lines', {
      compute: (row, store, context) =>
        linesOf(row, store).filter((line) => line['active'] === true || context['active_test'] === false)
          .length,
    }),
    scan: field('binary', 'Scan'),
    scan_name: field('char', 'Name of the scan'),
    source_ref: field('reference', 'Origin', {
      selection: [
        ['res.partner', 'Contact'],
        ['dimagaz.bc', 'Bon de commande'],
      ],
    }),
    origin_model: field('char', 'Model of the first request'),
    origin_id: field('many2one_reference', 'First request', { model_field: 'origin_model' }),
  },
};

/**
 * The line. Its subtotal is stored. Writing its price or quantity, creating a line and deleting one compute the amounts
 * of the header again. This changes the `write_date` of the header, even if the amounts stay equal. No other change of
 * a line affects the header, because the add-on declares no other dependency. Seen over RPC on 14.0 and 19.0.
 */
const LINE: ModelDefinition = {
  name: 'dimagaz.bc.line',
  description: 'Bon de commande, line',
  order: 'bc_id, sequence, id',
  fields: {
    bc_id: link('dimagaz.bc', 'BC', { required: true, cascade: true }),
    active: ACTIVE,
    sequence: field('integer', 'Sequence', { default: 10 }),
    product_id: link('dimagaz.product', 'Product'),
    name: field('text', 'Description'),
    quantity: field('float', 'Quantity', { digits: [16, 3], default: 1 }),
    uom: field('selection', 'Unit', {
      default: 'unit',
      selection: [
        ['unit', 'Unit'],
        ['kg', 'Kilogram'],
        ['m', 'Metre'],
        ['l', 'Litre'],
        ['h', 'Hour'],
      ],
    }),
    price_unit: field('float', 'Unit price', { digits: [16, 4] }),
    discount: field('float', 'Discount (%)', { digits: [5, 2] }),
    currency_id: link('res.currency', 'Currency', {
      compute: (row, store) =>
        store.table('dimagaz.bc').rows.get(Number(row['bc_id']))?.['currency_id'] ?? null,
    }),
    subtotal: field('monetary', 'Subtotal', { readonly: true, default: 0 }),
    delivery_date: field('date', 'Delivered on'),
    delivered: field('boolean', 'Delivered'),
    note: field('text', 'Note'),
    photo: field('binary', 'Photo'),
  },
  computes: [
    { when: ['quantity', 'price_unit', 'discount'], compute: (row) => ({ subtotal: subtotal(row) }) },
    { when: ['subtotal', 'bc_id'], of: 'bc_id', compute: (row, store) => amounts(linesOf(row, store)) },
  ],
};

/** The cost of a line, rounded to cents. */
export function subtotal(line: Readonly<Record<string, Stored>>): number {
  const price = Number(line['quantity']) * Number(line['price_unit']);
  return round(price * (1 - Number(line['discount']) / 100), 2);
}

/** The stored amounts of a header, from its lines without the archived ones. */
export function amounts(lines: readonly Readonly<Record<string, Stored>>[]): Record<string, number> {
  const counted = lines.filter((line) => line['active'] === true);
  const untaxed = counted.reduce((sum, line) => sum + Number(line['subtotal']), 0);
  const tax = round(untaxed * TAX_RATE, 2);
  return {
    amount_untaxed: round(untaxed, 2),
    amount_tax: tax,
    amount_total: round(round(untaxed, 2) + tax, 2),
  };
}

function linesOf(row: Row, store: ReadableStore): Row[] {
  const lines = store.table('dimagaz.bc.line');
  return [...lines.pointingAt('bc_id', row.id)]
    .map((id) => lines.rows.get(id))
    .filter((line) => line !== undefined);
}

/** Every model of a new sandbox: those of the add-on, and the models of Odoo that they refer to. */
export const SHIPPED_MODELS: readonly ModelDefinition[] = [
  {
    name: 'res.currency',
    description: 'Currency',
    order: 'active desc, name',
    fields: { name: field('char', 'Currency', { required: true }), active: ACTIVE },
  },
  {
    name: 'res.company',
    description: 'Companies',
    order: 'name',
    fields: { name: field('char', 'Company Name', { required: true }), active: ACTIVE },
  },
  {
    name: 'res.partner',
    description: 'Contact',
    order: 'name, id',
    fields: {
      name: field('char', 'Name'),
      active: ACTIVE,
      city: field('char', 'City'),
      email: field('char', 'Email'),
    },
  },
  {
    name: 'res.users',
    description: 'User',
    order: 'name, login',
    fields: {
      name: field('char', 'Name'),
      login: field('char', 'Login', { required: true }),
      active: ACTIVE,
      lang: field('char', 'Language'),
      tz: field('char', 'Timezone'),
      company_id: link('res.company', 'Company'),
      company_ids: field('many2many', 'Companies', { relation: 'res.company' }),
    },
  },
  {
    name: 'ir.config_parameter',
    description: 'System Parameter',
    order: 'key',
    fields: {
      key: field('char', 'Key', { required: true }),
      value: field('text', 'Value', { required: true }),
    },
  },
  {
    name: 'dimagaz.product',
    description: 'Product',
    order: 'name, id',
    fields: {
      name: field('char', 'Name', { required: true }),
      active: ACTIVE,
      code: field('char', 'Reference'),
      price: field('float', 'Price', { digits: [16, 4] }),
    },
  },
  {
    name: 'dimagaz.tag',
    description: 'Tag',
    order: 'name, id',
    fields: { name: field('char', 'Name', { required: true }), color: field('integer', 'Colour') },
  },
  BC,
  LINE,
];
