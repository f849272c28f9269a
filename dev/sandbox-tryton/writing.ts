import { check, column } from './columns.ts';
import { concurrency, pythonError, userError } from './errors.ts';
import type { FieldDefinition, Row } from './fields.ts';
import { existing, timestampOf } from './reading.ts';
import type { Store } from './store.ts';
import type { Dictionary, Value } from './values.ts';
import { datetime, isDictionary, isPlain } from './values.ts';
import { wordingOf } from './wording.ts';

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

/** Ids that are not there are passed over, as the server passes over them. */
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

/** The effect on records of `model` that point at a deleted one. */
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

/** Someone else's change since the timestamps that the caller knows. */
function checkTimestamps(model: string, rows: readonly Row[], context: Dictionary): void {
  const known = context['_timestamp'];
  if (!isDictionary(known)) return;
  for (const row of rows) {
    const moment = known[`${model},${row.id}`];
    if (moment !== undefined && Number(timestampOf(row)) > Number(moment)) throw concurrency();
  }
}

/** One2many values are orders: `["create", [...]]`, `["write", ids, values, ...]`, `["delete", ids]`. */
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
