import { matching, order } from './domain.ts';
import { keyError, pythonError, userError, wordingOf } from './errors.ts';
import type { FieldDefinition, Row, TrytonVersion } from './models/fields.ts';
import type { Store } from './store.ts';
import { bytesOf, type Dictionary, PyFloat, type Value } from './values.ts';

interface SearchOptions {
  readonly offset?: Value | undefined;
  readonly limit?: Value | undefined;
  readonly order?: Value | undefined;
}

export function search(
  store: Store,
  model: string,
  domain: Value,
  options: SearchOptions,
  context: Dictionary,
): number[] {
  const offset = count(store, 'offset', options.offset ?? 0);
  const limit = options.limit == null ? undefined : count(store, 'limit', options.limit);
  if (offset < 0) throw pythonError('OFFSET must not be negative\n');
  const rows = matching(store, model, domain, context['active_test'] !== false);
  rows.sort(comparator(store, model, options.order ?? null));
  return rows.slice(offset, limit === undefined ? undefined : offset + limit).map(({ id }) => id);
}

function count(store: Store, name: string, value: Value): number {
  if (typeof value === 'number') return value;
  throw pythonError(store.version === '7.0' ? `invalid ${name}: {}` : '');
}

type Compare = (left: Row, right: Row) => number;

function comparator(store: Store, model: string, wish: Value): Compare {
  if (typeof wish === 'string') throw pythonError('not enough values to unpack (expected 2, got 1)');
  const given = Array.isArray(wish) && wish.length > 0 ? wish : store.table(model).definition.order;
  const keys = (given ?? []).map((key) => oneKey(store, model, Array.isArray(key) ? key : []));
  return (left, right) => keys.reduce((found, key) => found || key(left, right), 0) || left.id - right.id;
}

function oneKey(store: Store, model: string, [name, direction]: readonly Value[]): Compare {
  const field = String(name);
  if (field !== 'rec_name') store.field(model, field);
  if (direction === null && store.version === '5.0' && field !== 'id')
    throw pythonError("'NoneType' object has no attribute 'upper'");
  const [, way = 'ASC', nulls] =
    /^(ASC|DESC)(?: NULLS (FIRST|LAST))?$/i.exec(String(direction ?? 'ASC')) ?? unknownDirection(direction);
  const sign = way.toUpperCase() === 'DESC' ? -1 : 1;
  const nullsFirst = nulls ? nulls.toUpperCase() === 'FIRST' : sign < 0;
  return (left, right) => {
    const [one, other] = [store.value(model, left, field), store.value(model, right, field)];
    if (one === null || other === null) return one === other ? 0 : (one === null) === nullsFirst ? -1 : 1;
    return sign * order(one, other);
  };
}

function unknownDirection(direction: Value | undefined): never {
  throw keyError(String(direction).toUpperCase());
}

/** The records, in the order of the ids. @throws ServerException for unknown ids and fields. */
export function read(
  store: Store,
  model: string,
  ids: readonly number[],
  names: readonly string[] | null,
  context: Dictionary,
): Dictionary[] {
  const rows = existing(store, 'read', model, ids);
  const wanted = names ?? [...store.table(model).fields.keys()];
  return rows.map((row) => ({ ...readRow(store, model, row, wanted, context), id: row.id }));
}

function readRow(
  store: Store,
  model: string,
  row: Row,
  names: readonly string[],
  context: Dictionary,
): Dictionary {
  const answer: { [name: string]: Value } = {};
  for (const name of names) {
    const [first = '', ...rest] = name.split('.');
    if (rest.length === 0) answer[name] = readValue(store, model, row, name, context);
    else Object.assign(answer, readDotted(store, model, row, first, rest.join('.'), answer, context));
  }
  return answer;
}

/** `party.name`: 5.0 answers a member with that name, later versions an object under `party.`. */
function readDotted(
  store: Store,
  model: string,
  row: Row,
  name: string,
  rest: string,
  soFar: Dictionary,
  context: Dictionary,
): Dictionary {
  const { relation = '' } = store.field(model, name);
  const value = store.value(model, row, name);
  const one = (id: Value): Dictionary | null => {
    const target = store.row(relation, id);
    return target ? { ...readRow(store, relation, target, [rest], context), id: target.id } : null;
  };
  if (store.version === '5.0') return { [`${name}.${rest}`]: one(value)?.[rest] ?? null };
  const key = `${name}.`;
  if (Array.isArray(value)) {
    const before = Array.isArray(soFar[key]) ? soFar[key] : [];
    return { [key]: value.map((id, at) => ({ ...Object(before[at]), ...one(id) })) };
  }
  const found = one(value);
  return { [key]: found === null ? null : { ...Object(soFar[key]), ...found } };
}

function readValue(store: Store, model: string, row: Row, name: string, context: Dictionary): Value {
  if (name === '_timestamp') return timestampOf(row);
  const value = store.value(model, row, name);
  if (name === 'rec_name' || value === null) return value;
  const { type, relation = '' } = store.field(model, name);
  if (type === 'float' && typeof value === 'number') return new PyFloat(value);
  if (type === 'one2many' && Array.isArray(value)) return sorted(store, relation, value);
  if (type === 'binary' && context[`${model}.${name}`] === 'size') return bytesOf(value)?.length ?? null;
  return value;
}

/** The records of a field are in the order of their model. */
function sorted(store: Store, model: string, ids: readonly Value[]): Value {
  const rows = ids.flatMap((id) => store.row(model, id) ?? []);
  return rows.sort(comparator(store, model, null)).map(({ id }) => id);
}

/** The time of the last change, the value of `_timestamp`: seconds with microseconds. */
export const timestampOf = (row: Row): string => {
  const micros = Number(row['_changed']);
  return `${Math.floor(micros / 1_000_000)}.${String(micros % 1_000_000).padStart(6, '0')}`;
};

export function existing(store: Store, verb: 'read' | 'write', model: string, ids: readonly number[]): Row[] {
  const { rows, definition } = store.table(model);
  const missing = ids.filter((id) => !rows.has(id));
  if (missing.length > 0)
    throw userError(store.version, wordingOf(store.version).missing(verb, model, definition.string, missing));
  return ids.flatMap((id) => rows.get(id) ?? []);
}

const LAZY = new Set(['one2many', 'many2many', 'binary', 'reference', 'text']);
const RELATIONS = new Set(['many2one', 'one2many', 'many2many']);

/** `fields_get` of all or the named fields; unknown names are ignored. */
export function describeFields(store: Store, model: string, names: readonly string[] | null): Dictionary {
  const { fields } = store.table(model);
  const asked = names === null || names.length === 0 ? [...fields.keys()] : names;
  const found = asked.flatMap((name) => {
    const field = fields.get(name);
    return field ? [[name, describe(store.version, name, field)] as const] : [];
  });
  return Object.fromEntries(found);
}

function describe(version: TrytonVersion, name: string, field: FieldDefinition): Dictionary {
  return version === '5.0' ? old(name, field) : modern(version, name, field);
}

function modern(version: TrytonVersion, name: string, field: FieldDefinition): Dictionary {
  const isLazy = field.compute !== undefined || LAZY.has(field.type);
  return {
    context: '{}',
    loading: isLazy ? 'lazy' : 'eager',
    name,
    ...(version === '6.0' && { depends: field.states?.includes('"active"') ? ['active'] : [] }),
    on_change: [],
    on_change_with: [],
    readonly: field.readonly ?? false,
    required: field.required ?? false,
    states: field.states ?? '{}',
    type: field.type,
    domain: '[]',
    searchable: field.compute === undefined && field.type !== 'binary',
    sortable: field.compute === undefined && field.type !== 'one2many',
    string: field.string,
    help: field.help ?? '',
    ...ofType(version, field),
    create: true,
    delete: true,
  };
}

function old(name: string, field: FieldDefinition): Dictionary {
  return {
    type: field.type,
    name,
    string: field.string,
    readonly: field.readonly ?? false,
    states: field.states ?? '{}',
    required: field.required ?? false,
    help: field.help ?? '',
    select: false,
    on_change: [],
    on_change_with: [],
    loading: field.compute !== undefined || LAZY.has(field.type) ? 'lazy' : 'eager',
    domain: '[]',
    searchable: field.compute === undefined && field.type !== 'binary',
    ...ofType('5.0', field),
    ...(RELATIONS.has(field.type) && { context: '{}', create: true, delete: true }),
  };
}

function ofType(version: TrytonVersion, field: FieldDefinition): Dictionary {
  const isOld = version === '5.0';
  const search: Dictionary = isOld
    ? { search_context: '{}' }
    : { datetime_field: null, search_context: '{}', search_order: 'null' };
  switch (field.type) {
    case 'char':
      return { translate: false, autocomplete: [], ...(version === '7.0' && { strip: true }) };
    case 'text':
      return { translate: false };
    case 'numeric':
    case 'float':
      return { digits: field.digits ? `[${field.digits.join(', ')}]` : null };
    case 'selection':
      return choices(isOld, field.selection ?? []);
    case 'reference':
      return { ...choices(isOld, []), ...search };
    case 'timestamp':
      return { format: '"%H:%M:%S.%f"' };
    case 'many2one':
      return { relation: field.relation ?? '', ...search };
    case 'one2many':
    case 'many2many':
      return {
        relation: field.relation ?? '',
        relation_field: field.relationField ?? null,
        ...search,
        ...(isOld ? { sortable: false } : { order: null }),
      };
    default:
      return {};
  }
}

const choices = (isOld: boolean, selection: Value): Dictionary => ({
  selection,
  selection_change_with: [],
  sort: true,
  ...(!isOld && { help_selection: null }),
});
