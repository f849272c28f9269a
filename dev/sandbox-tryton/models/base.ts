import { compareNumbers, decimal, type Value, wordOf } from '../values.ts';
import type { ModelDefinition, Reader, Row, TrytonVersion } from './fields.ts';
import * as field from './fields.ts';

/** The base of trade: languages, countries, currencies, companies, products. */
export function baseModels(version: TrytonVersion): ModelDefinition[] {
  return [
    named('ir.lang', 'Language', { code: field.char('Code', { required: true }) }),
    named('country.country', 'Country', { code: field.char('Code') }),
    currency(),
    rate(version),
    company(),
    ...products(version),
    named('account.invoice.payment_term', 'Payment Term', { active: field.active }),
    named('account.account', 'Account', { code: field.char('Code') }),
    named('account.journal', 'Journal', { code: field.char('Code') }),
  ];
}

function named(name: string, string: string, fields: ModelDefinition['fields']): ModelDefinition {
  return { name, string, fields: { name: field.char('Name', { required: true }), ...fields } };
}

function currency(): ModelDefinition {
  const states = field.WHILE_ACTIVE;
  return {
    name: 'currency.currency',
    string: 'Currency',
    order: [['name', 'ASC']],
    fields: {
      name: field.char('Name', { required: true, states }),
      code: field.char('Code', { required: true, states }),
      symbol: field.char('Symbol', { states }),
      numeric_code: field.char('Numeric Code', { states }),
      rounding: field.numeric('Rounding factor', [12, 6], { required: true, fill: decimal('0.01') }),
      digits: field.integer('Digits', { required: true, fill: 2 }),
      active: field.active,
      rates: field.one2many('Rates', 'currency.currency.rate', 'currency'),
      rate: field.numeric('Current rate', [12, 6], {
        readonly: true,
        compute: (row, store) => latestRate(store.pointing('currency.currency.rate', 'currency', row.id)),
      }),
    },
  };
}

function latestRate(rates: readonly Row[]): Value {
  const [latest] = rates.toSorted((one, other) => (wordOf(one['date']) < wordOf(other['date']) ? 1 : -1));
  return latest?.['rate'] ?? null;
}

function rate(version: TrytonVersion): ModelDefinition {
  const positive =
    version === '5.0'
      ? 'The currency rate must greater than or equal to 0'
      : 'A currency rate must be positive.';
  return {
    name: 'currency.currency.rate',
    string: version === '5.0' ? 'Rate' : 'Currency Rate',
    order: [['date', 'DESC']],
    recName: (row) => wordOf(row['date']),
    unique: [{ fields: ['currency', 'date'], words: 'A currency can only have one rate by date.' }],
    check: (row) => (compareNumbers(row['rate'] ?? null, 0) < 0 ? positive : null),
    fields: {
      date: field.dateField('Date', { required: true }),
      rate: field.numeric('Rate', [12, 6], {
        required: true,
        help: 'The floating exchange rate used to convert the currency.',
      }),
      currency: field.many2one('Currency', 'currency.currency', { onDelete: 'cascade' }),
    },
  };
}

function company(): ModelDefinition {
  return {
    name: 'company.company',
    string: 'Company',
    recName: (row, store) => String(store.row('party.party', row['party'])?.['name']),
    fields: {
      party: field.many2one('Party', 'party.party', { required: true, onDelete: 'cascade' }),
      currency: field.many2one('Currency', 'currency.currency', { required: true }),
    },
  };
}

function products(version: TrytonVersion): ModelDefinition[] {
  const uom = version === '7.0' ? 'Default UoM' : 'Default UOM';
  const ofTemplate =
    (name: string) =>
    (row: Row, store: Reader): Value =>
      store.row('product.template', row['template'])?.[name] ?? null;
  const taken = { readonly: true, required: true } as const;
  return [
    named('product.uom', version === '7.0' ? 'Unit of Measure' : 'Unit of measure', {
      symbol: field.char('Symbol', { required: true }),
      digits: field.integer('Display Digits', { required: true, fill: 2 }),
      active: field.active,
    }),
    named('product.template', 'Product Template', {
      default_uom: field.many2one(uom, 'product.uom', { required: true }),
      list_price: field.numeric('List Price', [16, 4]),
      products: field.one2many('Variants', 'product.product', 'template'),
      active: field.active,
    }),
    {
      name: 'product.product',
      string: 'Product Variant',
      recName: (row, store) =>
        [row['code'] ? `[${row['code']}]` : '', ofTemplate('name')(row, store)].filter(Boolean).join(' '),
      fields: {
        template: field.many2one('Product Template', 'product.template', {
          required: true,
          onDelete: 'cascade',
        }),
        code: field.char('Code'),
        description: field.text('Description'),
        active: field.active,
        name: field.char('Name', { ...taken, compute: ofTemplate('name') }),
        list_price: field.numeric('List Price', [16, 4], { ...taken, compute: ofTemplate('list_price') }),
        default_uom: field.many2one(uom, 'product.uom', { ...taken, compute: ofTemplate('default_uom') }),
      },
    },
  ];
}
