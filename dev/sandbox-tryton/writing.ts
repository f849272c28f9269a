import { createHash } from 'node:crypto';
import { concurrency, pythonError, userError, userWarning, wordingOf } from './errors.ts';
import type { FieldDefinition, Row } from './models/fields.ts';
import { existing, timestampOf } from './reading.ts';
import { check, column, type Store } from './store.ts';
import { type Dictionary, date, datetime, isDictionary, isoDate, isPlain, type Value } from './values.ts';

/** The user, and the context of the call. */
export interface Writer {
  readonly userId: number;
  readonly context: Dictionary;
}

export function create(store: Store, model: string, values: Dictionary, writer: Writer): number {
  const table = store.table(model);
  table.lastId += 1;
  const id = table.lastId;
  const micros = store.stamp();
  const filled: { [name: string]: Value } = {};
  for (const [name, field] of table.fields) if (field.fill !== undefined) filled[name] = field.fill;
  if (model === 'party.party' && !values['code']) filled['code'] = String(id);
  const row: Row = {
    ...filled,
    ...columns(store, model, values),
    id,
    create_uid: writer.userId,
    create_date: datetime(micros),
    write_uid: null,
    write_date: null,
    _changed: micros,
  };
  put(store, model, row);
  targets(store, model, id, values, writer);
  return id;
}

export function write(
  store: Store,
  model: string,
  ids: readonly number[],
  values: Dictionary,
  writer: Writer,
): void {
  const rows = existing(store, 'write', model, ids);
  checkTimestamps(model, rows, writer.context);
  const changed = columns(store, model, values);
  const micros = store.stamp();
  for (const row of rows) {
    put(store, model, {
      ...row,
      ...changed,
      id: row.id,
      write_uid: writer.userId,
      write_date: datetime(micros),
      _changed: micros,
    });
    targets(store, model, row.id, values, writer);
  }
}

/** Unknown ids are ignored, as on the server. */
export function remove(store: Store, model: string, ids: readonly number[], context: Dictionary): void {
  const { rows } = store.table(model);
  checkTimestamps(
    model,
    ids.flatMap((id) => rows.get(id) ?? []),
    context,
  );
  if (model === 'res.user')
    throw userError(
      store.version,
      'For logging purposes users cannot be deleted, instead they should be deactivated.',
    );
  for (const id of ids) {
    if (!rows.has(id)) continue;
    store.table(model).rows.delete(id);
    for (const other of store.models) release(store, other, model, id, context);
  }
}

/** The effect on records of `model` that refer to a deleted one. */
function release(store: Store, model: string, gone: string, id: number, context: Dictionary): void {
  const { fields, definition } = store.table(model);
  for (const [name, field] of fields) {
    if (field.type !== 'many2one' || field.relation !== gone || field.compute) continue;
    const pointing = store.pointing(model, name, id).map((row) => row.id);
    if (pointing.length === 0) continue;
    if (field.onDelete !== 'cascade')
      throw userError(store.version, wordingOf(store.version).inUse(field.string, definition.string));
    remove(store, model, pointing, context);
  }
}

function put(store: Store, model: string, row: Row): void {
  check(store, model, row);
  store.table(model).rows.set(row.id, row);
}

function columns(store: Store, model: string, values: Dictionary): Dictionary {
  const kept: [string, Value][] = [];
  for (const [name, value] of Object.entries(values)) {
    const field = store.field(model, name);
    if (field.type !== 'one2many' && !field.compute) kept.push([name, column(store, field, value)]);
  }
  return Object.fromEntries(kept);
}

/** A change by another user since the timestamps that the caller knows. */
function checkTimestamps(model: string, rows: readonly Row[], context: Dictionary): void {
  const known = context['_timestamp'];
  if (!isDictionary(known)) return;
  for (const row of rows) {
    const moment = known[`${model},${row.id}`];
    if (moment !== undefined && Number(timestampOf(row)) > Number(moment)) throw concurrency();
  }
}

/** One2many values are commands: `["create", [...]]`, `["write", ids, values, ...]`, `["delete", ids]`. */
function targets(store: Store, model: string, id: number, values: Dictionary, writer: Writer): void {
  for (const [name, value] of Object.entries(values)) {
    const field = store.field(model, name);
    if (field.type !== 'one2many') continue;
    for (const order of listOf(value)) obey(store, field, id, listOf(order), writer);
  }
}

function obey(
  store: Store,
  { relation = '', relationField = '' }: FieldDefinition,
  id: number,
  [verb, ...rest]: readonly Value[],
  writer: Writer,
): void {
  const ids = () => listOf(rest[0] ?? null).map(Number);
  if (verb === 'create')
    for (const values of listOf(rest[0] ?? null))
      create(store, relation, { ...(isPlain(values) ? values : {}), [relationField]: id }, writer);
  else if (verb === 'write')
    for (let at = 0; at < rest.length; at += 2) {
      const values = rest[at + 1];
      write(store, relation, listOf(rest[at] ?? null).map(Number), isPlain(values) ? values : {}, writer);
    }
  else if (verb === 'delete') remove(store, relation, ids(), {});
  else if (verb === 'add') write(store, relation, ids(), { [relationField]: id }, writer);
  else if (verb === 'remove') write(store, relation, ids(), { [relationField]: null }, writer);
  else throw pythonError(`'${String(verb)}'`);
}

const listOf = (value: Value): readonly Value[] => (Array.isArray(value) ? value : []);

/** The states of a button: from which states to which. Records in another state are not changed. */
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

/** Presses a button for these records. @throws ServerException a UserError or a UserWarning of the model. */
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

/** The next number of a sequence: `CV2026/00042`. */
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

/** Tryton 7.0 warns of invoices dated in the future. Here the older versions do too, so that each has a warning. */
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
