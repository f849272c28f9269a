import { createHash } from 'node:crypto';
import { userError, userWarning } from './errors.ts';
import type { Row } from './fields.ts';
import { existing } from './reading.ts';
import type { Store } from './store.ts';
import { date, isDictionary, isoDate } from './values.ts';
import type { Writer } from './writing.ts';
import { remove, write } from './writing.ts';

/** The state that a button leads to, from which ones. Records in another state are left as they are. */
const TRANSITIONS: Readonly<Record<string, Readonly<Record<string, readonly [readonly string[], string]>>>> =
  {
    'sale.sale': {
      draft: [['quotation', 'cancelled', 'cancel'], 'draft'],
      quote: [['draft'], 'quotation'],
      confirm: [['quotation'], 'confirmed'],
      cancel: [['draft', 'quotation'], 'cancelled'],
    },
    'account.invoice': {
      draft: [['validated', 'cancelled', 'cancel'], 'draft'],
      validate_invoice: [['draft'], 'validated'],
      post: [['draft', 'validated'], 'posted'],
      cancel: [['draft', 'validated'], 'cancelled'],
    },
  };

export const isButton = (model: string, method: string): boolean => method in (TRANSITIONS[model] ?? {});

/** Presses a button for these records. @throws ServerException a UserError or a UserWarning of the model's own. */
export function press(
  store: Store,
  model: string,
  method: string,
  ids: readonly number[],
  writer: Writer,
): void {
  const [from, to] = TRANSITIONS[model]?.[method] ?? [[], ''];
  const rows = existing(store, 'read', model, ids).filter((row) => from.includes(String(row['state'])));
  if (method === 'quote') for (const row of rows) checkQuotation(store, row);
  if (method === 'post') checkFuture(store, rows, writer);
  const state = to === 'cancelled' && store.version === '5.0' ? 'cancel' : to;
  for (const row of rows)
    write(store, model, [row.id], { state, ...stamps(store, model, method, row) }, writer);
}

function stamps(store: Store, model: string, method: string, row: Row) {
  const year = store.today().slice(0, 4);
  if (method === 'quote' && !row['number']) return { number: nextNumber(store, model, `CV${year}`) };
  if (method === 'confirm' && !row['sale_date']) return { sale_date: date(store.today()) };
  if (method === 'post' && !row['number'])
    return {
      number: nextNumber(store, model, `FA${year}`),
      invoice_date: row['invoice_date'] ?? date(store.today()),
    };
  return {};
}

/** The next of a sequence: `CV2026/00042`. */
function nextNumber(store: Store, model: string, prefix: string): string {
  const numbers = [...store.table(model).rows.values()].map((row) => String(row['number'] ?? ''));
  const last = Math.max(
    0,
    ...numbers.filter((number) => number.startsWith(prefix)).map((number) => Number(number.slice(-5))),
  );
  return `${prefix}/${String(last + 1).padStart(5, '0')}`;
}

function checkQuotation(store: Store, row: Row): void {
  if (row['invoice_address'] != null) return;
  const name = store.recName('sale.sale', row);
  throw userError(
    store.version,
    store.version === '5.0'
      ? `Invoice and Shipment addresses must be defined for the quotation of sale "${name}".`
      : `To get a quote for sale "${name}" you must enter an invoice address.`,
  );
}

/** Tryton 7.0 warns of invoices dated in the future; here the older ones do too, so that each has a warning. */
function checkFuture(store: Store, rows: readonly Row[], { userId }: Writer): void {
  const future = rows.filter(({ invoice_date: day }) => isDictionary(day) && isoDate(day) > store.today());
  if (future.length === 0) return;
  const key = future.map(({ id }) => `account.invoice,${id}`).join('|');
  const name = `${createHash('md5').update(key).digest('hex')}.invoice_date_future`;
  const confirmed = store
    .pointing('res.user.warning', 'user', userId)
    .filter((warning) => warning['name'] === name);
  if (confirmed.length === 0) {
    const names = future.map((row) => store.recName('account.invoice', row)).join(', ');
    throw userWarning(name, `The invoices "${names}" have an invoice date in the future.`);
  }
  const once = confirmed.filter((warning) => warning['always'] !== true).map(({ id }) => id);
  remove(store, 'res.user.warning', once, {});
}
