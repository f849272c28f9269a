import type { Access } from './access.ts';
import { candidates, compileDomain, leastId } from './domain.ts';
import { describeField } from './field-description.ts';
import type { Context, Row } from './fields.ts';
import { compileOrder } from './order.ts';
import { recordReader } from './reading.ts';
import type { Store, Table } from './store.ts';

/** One call of a method, its arguments named. */
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
  // Page after page of a large table, as the primary key's index gives it: no further than the page's end.
  const byId = few === undefined && byOrder === 'id';
  const found: Row[] = [];
  for (const id of byId ? table.after(leastId(conditions)) : (few ?? table.rows.keys())) {
    const row = table.rows.get(id);
    if (row && matches(row) && !access.isHidden(table.definition.name, id)) found.push(row);
    if (byId && found.length === offset + limit) break;
  }
  return (byId ? found : found.sort(compare)).slice(offset, offset + limit);
}

/** Odoo drops `active_test` before it reads: an x2many then lists active records only, unlike in `read`. */
function searchRead(call: MethodCall): object[] {
  const ids = searchRows(call).map(({ id }) => id);
  const { active_test: _, ...context } = call.context;
  return readRows({ ...call, context }, ids, fieldsOf(call));
}

/** A missing id is left out. Asking only for `id` proves nothing: Odoo answers it unread. */
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
