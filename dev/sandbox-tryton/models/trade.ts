import { decimal, product, sum, type Value } from '../values.ts';
import type { FieldDefinition, ModelDefinition, Reader, Row, TrytonVersion } from './fields.ts';
import * as field from './fields.ts';

/** French VAT on everything. Taxes are not models here. */
const VAT = decimal('0.20');

/** Sales and invoices with their lines. */
export function tradeModels(version: TrytonVersion): ModelDefinition[] {
  const cancelled =
    version === '5.0' ? (['cancel', 'Canceled'] as const) : (['cancelled', 'Cancelled'] as const);
  return [sale(cancelled), saleLine(), invoice(cancelled), invoiceLine()];
}

const lineTypes = [
  ['line', 'Line'],
  ['subtotal', 'Subtotal'],
  ['title', 'Title'],
  ['comment', 'Comment'],
] as const;

/** The amounts of a document, from its lines. */
function amounts(lines: string, link: string): Record<string, FieldDefinition> {
  const untaxed = (row: Row, store: Reader): Value =>
    sum([decimal('0.00'), ...store.pointing(lines, link, row.id).map((line) => amountOf(line))]);
  const tax = (row: Row, store: Reader): Value => product(untaxed(row, store), VAT, 2);
  const amount = (string: string, compute: (row: Row, store: Reader) => Value) =>
    field.numeric(string, [16, 2], { readonly: true, compute });
  return {
    untaxed_amount: amount('Untaxed', untaxed),
    tax_amount: amount('Tax', tax),
    total_amount: amount('Total', (row, store) => sum([untaxed(row, store), tax(row, store)])),
  };
}

const amountOf = (line: Row): Value =>
  line['type'] === 'line' ? product(line['quantity'], line['unit_price'], 2) : decimal('0.00');

const lineFields = (parent: FieldDefinition, link: string): Record<string, FieldDefinition> => ({
  [link]: parent,
  type: field.selection('Type', lineTypes, { required: true, fill: 'line' }),
  sequence: field.integer('Sequence'),
  product: field.many2one('Product', 'product.product'),
  description: field.text('Description'),
  quantity: field.float('Quantity'),
  unit: field.many2one('Unit', 'product.uom'),
  unit_price: field.numeric('Unit Price', [16, 4]),
  amount: field.numeric('Amount', [16, 2], { readonly: true, compute: amountOf }),
});

const documentFields: Record<string, FieldDefinition> = {
  number: field.char('Number', { readonly: true }),
  reference: field.char('Reference'),
  description: field.char('Description'),
  company: field.many2one('Company', 'company.company', { required: true }),
  party: field.many2one('Party', 'party.party', { required: true }),
  currency: field.many2one('Currency', 'currency.currency', { required: true }),
  payment_term: field.many2one('Payment Term', 'account.invoice.payment_term'),
  comment: field.text('Comment'),
};

const numberOf = (row: Row) => String(row['number'] ?? `(${row.id})`);

function sale(cancelled: readonly [string, string]): ModelDefinition {
  const states = [
    ['draft', 'Draft'],
    ['quotation', 'Quotation'],
    ['confirmed', 'Confirmed'],
    ['processing', 'Processing'],
    ['done', 'Done'],
    cancelled,
  ] as const;
  const progress = (string: string, ...names: string[]) =>
    field.selection(
      string,
      names.map((name) => [name, name] as const),
      { required: true, readonly: true, fill: 'none' },
    );
  return {
    name: 'sale.sale',
    string: 'Sale',
    order: [
      ['sale_date', 'DESC NULLS FIRST'],
      ['id', 'DESC'],
    ],
    recName: numberOf,
    methods: ['draft', 'quote', 'confirm', 'cancel'],
    fields: {
      ...documentFields,
      sale_date: field.dateField('Sale Date'),
      invoice_address: field.many2one('Invoice Address', 'party.address'),
      shipment_address: field.many2one('Shipment Address', 'party.address'),
      state: field.selection('State', states, { required: true, readonly: true, fill: 'draft' }),
      invoice_state: progress('Invoice State', 'none', 'pending', 'awaiting payment', 'paid', 'exception'),
      shipment_state: progress('Shipment State', 'none', 'waiting', 'partially shipped', 'sent', 'exception'),
      lines: field.one2many('Lines', 'sale.line', 'sale'),
      ...amounts('sale.line', 'sale'),
    },
  };
}

function saleLine(): ModelDefinition {
  const parent = field.many2one('Sale', 'sale.sale', { required: true, onDelete: 'cascade' });
  return { name: 'sale.line', string: 'Sale Line', fields: lineFields(parent, 'sale'), recName: lineName };
}

function invoice(cancelled: readonly [string, string]): ModelDefinition {
  const states = [
    ['draft', 'Draft'],
    ['validated', 'Validated'],
    ['posted', 'Posted'],
    ['paid', 'Paid'],
    cancelled,
  ] as const;
  const toPay = (row: Row, store: Reader): Value =>
    row['state'] === 'posted' ? store.value('account.invoice', row, 'total_amount') : decimal('0.00');
  return {
    name: 'account.invoice',
    string: 'Invoice',
    order: [
      ['number', 'DESC NULLS FIRST'],
      ['id', 'DESC'],
    ],
    recName: numberOf,
    methods: ['draft', 'validate_invoice', 'post', 'cancel'],
    fields: {
      ...documentFields,
      type: field.selection(
        'Type',
        [
          ['out', 'Customer'],
          ['in', 'Supplier'],
        ],
        { required: true, fill: 'out' },
      ),
      invoice_date: field.dateField('Invoice Date'),
      invoice_address: field.many2one('Invoice Address', 'party.address', { required: true }),
      account: field.many2one('Account', 'account.account', { required: true }),
      journal: field.many2one('Journal', 'account.journal'),
      state: field.selection('State', states, { readonly: true, fill: 'draft' }),
      lines: field.one2many('Lines', 'account.invoice.line', 'invoice'),
      ...amounts('account.invoice.line', 'invoice'),
      amount_to_pay: field.numeric('Amount to Pay', [16, 2], { readonly: true, compute: toPay }),
    },
  };
}

function invoiceLine(): ModelDefinition {
  const parent = field.many2one('Invoice', 'account.invoice', { onDelete: 'cascade' });
  return {
    name: 'account.invoice.line',
    string: 'Invoice Line',
    recName: lineName,
    fields: {
      ...lineFields(parent, 'invoice'),
      account: field.many2one('Account', 'account.account'),
      company: field.many2one('Company', 'company.company', { required: true }),
      currency: field.many2one('Currency', 'currency.currency', { required: true }),
    },
  };
}

const lineName = (row: Row) => String(row['description'] ?? row.id);
