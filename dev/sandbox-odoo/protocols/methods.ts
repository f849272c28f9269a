import { PythonError, typeError } from '../errors.ts';
import type { Access } from '../orm/access.ts';
import { candidates, compileDomain, leastId } from '../orm/domain.ts';
import { type Context, describeField, type OdooVersion, type Row } from '../orm/fields.ts';
import { compileOrder } from '../orm/order.ts';
import { recordReader } from '../orm/reading.ts';
import type { Store, Table } from '../orm/store.ts';

/** One call of a method, with named arguments. */
interface MethodCall {
  readonly store: Store;
  readonly access: Access;
  readonly uid: number;
  readonly table: Table;
  readonly context: Context;
  readonly ids: readonly number[];
  readonly args: Readonly<Record<string, unknown>>;
}

/** The methods that exist, by name: what a read-only client may call. */
export const METHODS: Readonly<Record<string, (call: MethodCall) => unknown>> = {
  fields_get: fieldsGet,
  search: (call) => (call.args['count'] ? searchRows(call).length : searchRows(call).map(({ id }) => id)),
  search_count: (call) => searchRows(call).length,
  search_read: searchRead,
  read: (call) => readRows(call, call.ids, fieldsOf(call)),
  context_get: contextGet,
};

function fieldsGet({ table, args, store }: MethodCall): Record<string, object> {
  const only = names(args['allfields']);
  const attributes = names(args['attributes']);
  const answer: [string, object][] = [];
  for (const [name, field] of table.fields) {
    if (only.length > 0 && !only.includes(name)) continue;
    const all = Object.entries(describeField(name, field, store.version));
    const asked = attributes.length > 0 ? all.filter(([attribute]) => attributes.includes(attribute)) : all;
    answer.push([name, Object.fromEntries(asked)]);
  }
  return Object.fromEntries(answer);
}

function searchRows({ store, access, table, context, args }: MethodCall): Row[] {
  access.checkModel(store, table.definition.name);
  const domain = args['domain'] ?? args['args'] ?? [];
  const matches = compileDomain(store, table, domain, context);
  const order = args['order'];
  const byOrder = typeof order === 'string' && order !== '' ? order : (table.definition.order ?? 'id');
  const compare = compileOrder(store, table, byOrder);
  const offset = Number(args['offset'] ?? 0);
  const limit = Number(args['limit'] || Number.POSITIVE_INFINITY);
  const conditions = Array.isArray(domain) ? domain : [];
  const few = candidates(table, conditions);
  // Reads page after page of a large table, like the index of the primary key: not beyond the end of the page.
  const byId = few === undefined && byOrder === 'id';
  const found: Row[] = [];
  for (const id of byId ? table.after(leastId(conditions)) : (few ?? table.rows.keys())) {
    const row = table.rows.get(id);
    if (row && matches(row) && !access.isHidden(table.definition.name, id)) found.push(row);
    if (byId && found.length === offset + limit) break;
  }
  return (byId ? found : found.sort(compare)).slice(offset, offset + limit);
}

/** Odoo removes `active_test` before it reads: an x2many then lists only active records, unlike in `read`. */
function searchRead(call: MethodCall): object[] {
  const ids = searchRows(call).map(({ id }) => id);
  const { active_test: _, ...context } = call.context;
  return readRows({ ...call, context }, ids, fieldsOf(call));
}

/** A missing id is left out. A request of only `id` proves nothing: Odoo answers it without reading. */
function readRows(call: MethodCall, ids: readonly number[], fields: readonly string[]): object[] {
  const { store, access, table, context, args } = call;
  access.checkModel(store, table.definition.name);
  const names = args['load'] === undefined || args['load'] === '_classic_read';
  const read = recordReader({ store, table, context, names }, fields);
  if (fields.every((field) => field === 'id')) return ids.map((id) => ({ id }));
  const user = store.table('res.users').rows.get(call.uid)?.['name'];
  access.checkRecords(store, table.definition.name, ids, `${user} (id=${call.uid})`);
  return ids.flatMap((id) => {
    const row = table.rows.get(id);
    return row ? [read(row)] : [];
  });
}

function fieldsOf({ args, table }: MethodCall): string[] {
  const asked = names(args['fields']);
  return asked.length > 0 ? asked : [...table.fields.keys()];
}

/** 19.0 adds the user's id. */
function contextGet({ store, uid }: MethodCall): object {
  const context = { lang: 'fr_FR', tz: 'Europe/Paris' };
  return store.version === '19.0' ? { ...context, uid } : context;
}

const names = (value: unknown): string[] => (Array.isArray(value) ? value.map(String) : []);

/** A public method of Odoo's models: its parameters after `self`, the required ones first. */
interface Signature {
  /** True: called on the model; false: called on the records whose ids come first. */
  readonly onModel: boolean;
  readonly parameters: readonly string[];
  readonly required: number;
}

const SIGNATURES: Record<OdooVersion, Record<string, Signature>> = {
  '19.0': {
    fields_get: { onModel: true, parameters: ['allfields', 'attributes'], required: 0 },
    search: { onModel: true, parameters: ['domain', 'offset', 'limit', 'order'], required: 1 },
    search_count: { onModel: true, parameters: ['domain', 'limit'], required: 1 },
    search_read: {
      onModel: true,
      parameters: ['domain', 'fields', 'offset', 'limit', 'order', 'load'],
      required: 0,
    },
    read: { onModel: false, parameters: ['fields', 'load'], required: 0 },
  },
  '14.0': {
    fields_get: { onModel: true, parameters: ['allfields', 'attributes'], required: 0 },
    search: { onModel: true, parameters: ['args', 'offset', 'limit', 'order', 'count'], required: 1 },
    search_count: { onModel: true, parameters: ['args'], required: 1 },
    search_read: { onModel: true, parameters: ['domain', 'fields', 'offset', 'limit', 'order'], required: 0 },
    read: { onModel: false, parameters: ['fields', 'load'], required: 0 },
  },
};

const CONTEXT_GET: Signature = { onModel: true, parameters: [], required: 0 };

/** @throws PythonError for a private or unknown method, as the version in use words it. */
export function signatureOf(version: OdooVersion, model: string, method: string): Signature {
  if (method.startsWith('_')) throw privateMethod(version, model, method);
  if (model === 'res.users' && method === 'context_get') return CONTEXT_GET;
  const signature = SIGNATURES[version][method];
  if (!signature) throw unknownMethod(version, model, method);
  return signature;
}

/** Named arguments, bound as Python would on `execute_kw`. @throws PythonError a TypeError. */
export function bindArguments(
  version: OdooVersion,
  method: string,
  signature: Signature,
  positional: readonly unknown[],
  keywords: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  const name = version === '19.0' ? `BaseModel.${method}()` : `${method}()`;
  const { parameters, required } = signature;
  if (positional.length > parameters.length) {
    const most = parameters.length + 1;
    const count = required < parameters.length ? `from ${required + 1} to ${most}` : `${most}`;
    throw typeError(`${name} takes ${count} positional arguments but ${positional.length + 1} were given`);
  }
  const unknown = Object.keys(keywords).find((key) => !parameters.includes(key));
  if (unknown !== undefined) throw typeError(`${name} got an unexpected keyword argument '${unknown}'`);
  const bound = {
    ...Object.fromEntries(positional.map((value, at) => [parameters[at], value])),
    ...keywords,
  };
  const missing = parameters.slice(0, required).find((parameter) => !(parameter in bound));
  if (missing !== undefined) throw typeError(`${name} missing 1 required positional argument: '${missing}'`);
  return bound;
}

function privateMethod(version: OdooVersion, model: string, method: string): PythonError {
  const what = version === '19.0' ? `'${model}.${method}'` : method;
  const message = `Private methods (such as ${what}) cannot be called remotely.`;
  return new PythonError('odoo.exceptions.AccessError', message, 4, 403);
}

function unknownMethod(version: OdooVersion, model: string, method: string): PythonError {
  const message =
    version === '19.0'
      ? `The method '${model}.${method}' does not exist`
      : `type object '${model}' has no attribute '${method}'`;
  return new PythonError('builtins.AttributeError', message);
}
