import { LRUCache } from 'lru-cache';
import { TrytonRequestError } from './errors.ts';
import type { Wire } from './types.ts';
import { isList, isObject } from './wire/json.ts';

// Method names that count as reads. Every entry was compared with the declarations of servers 5.0, 6.0 and 7.0 with the
// modules party, product, stock, account, account_invoice and sale: no matching method writes.

/** Methods of any model. */
const MODEL_READS: ReadonlySet<string> = new Set([
  // trytond/model/modelstorage.py and modelsql.py: records.
  'read',
  'search',
  'search_read',
  'search_count',
  'export_data',
  'export_data_domain', // not on 5.0
  'resources', // counts of attachments and notes; not on 5.0
  'history_revisions', // dates and users
  // trytond/model/model.py and modelview.py: descriptions for forms, and what a form would hold. Nothing is stored.
  'fields_get',
  'fields_view_get',
  'view_toolbar_get',
  'default_get',
  'pre_validate',
  'on_change',
  'on_change_with',
  'on_change_notify', // not on 5.0 and 6.0
  'on_scan_code', // not on 5.0 and 6.0
  'autocomplete', // not on 5.0 and 6.0
  'on_write', // which other records of a list to read again after a write
  // trytond/model/dictschema.py, symbol.py, digits.py.
  'get_keys',
  'search_get_keys',
  'get_symbol',
  'get_digits',
  // The options of selection and reference fields (trytond/model/fields: `set_rpc`), under the names that modules gave.
  'code_get', // 5.0
  'get_contact_mechanisms',
  'get_copy_to_resources',
  'get_cost_price_methods',
  'get_documents',
  'get_inventory_states',
  'get_invoice_states',
  'get_invoice_types',
  'get_language',
  'get_models',
  'get_move_origin',
  'get_move_states',
  'get_origin',
  'get_sale_invoice_method',
  'get_sale_invoice_methods',
  'get_sale_shipment_method',
  'get_sale_shipment_methods',
  'get_sale_states',
  'get_search_models',
  'get_shipment',
  'get_subdivision_types',
  'get_types',
]);

/** One method for each field, created by trytond/model/fields/field.py. */
const FIELD_READS: readonly string[] = ['on_change_', 'on_change_with_', 'autocomplete_'];

/** Reads of a single model or service, with the class or file that declares it. */
const NAMED_READS: ReadonlySet<string> = new Set([
  'model.ir.action.get_action_id', // 5.0
  'model.ir.action.get_action_value', // not on 5.0
  'model.ir.action.act_window.get',
  'model.ir.action.keyword.get_keyword', // the entries of a menu
  'model.ir.action.keyword.models_get',
  'model.ir.date.today',
  'model.ir.email.complete', // addresses that begin so
  'model.ir.email.template.get', // a mail filled in, not sent
  'model.ir.email.template.get_default',
  'model.ir.export.get',
  'model.ir.model.get_names',
  'model.ir.model.get_notification',
  'model.ir.model.global_search',
  'model.ir.model.list_history',
  'model.ir.model.list_models',
  'model.ir.model.access.get_access',
  'model.ir.model.button.click.get_click', // who pressed a button, not the pressing
  'model.ir.ui.icon.list_icons',
  'model.ir.ui.menu.list_icons',
  'model.ir.ui.menu.favorite.get',
  'model.ir.ui.view.view_get',
  'model.ir.ui.view_search.get',
  'model.ir.ui.view_search.get_search', // 5.0 and 6.0
  'model.ir.ui.view_tree_state.get',
  'model.res.user.get_preferences',
  'model.res.user.get_preferences_fields_view',
  'model.currency.currency.compute',
  // trytond/protocols/dispatcher.py. `common.db.list` is missing: not every caller may see the other databases of a
  // server.
  'common.server.version',
  'common.authentication.services',
  'system.listMethods',
  'system.methodHelp',
  'system.methodSignature',
]);

/** Answered at the root of the server, without a database. */
const SERVER_METHODS = ['common.server.version', 'common.db.list', 'common.authentication.services'];

/** Writes that change records of their own model, unless their values change other models too. */
const RECORD_WRITES = ['create', 'write'];

/** Commands to records of another model in a one2many or many2many: `{"lines": [["write", [7], {…}]]}`. */
const NESTED_WRITES: readonly Wire[] = ['create', 'write', 'delete', 'copy', 'add', 'remove'];

const SHAPE = /^[\w-]+(\.[\w-]+)+$/;
const MAX_LENGTH = 200;

/** Classified names: each call needs its name several times. Limited, because callers may send any number of names. */
const wellFormed = new LRUCache<string, true>({ max: 1000 });

/**
 * The full name of a method: `('model', 'party.party.search')` and `('model.party.party.search')` are the same. Throws
 * TrytonRequestError for a text that cannot be a method name.
 */
export function methodName(service: string, method?: string): string {
  const name = method === undefined ? service : `${service}.${method}`;
  if (wellFormed.has(name)) return name;
  if (name.length > MAX_LENGTH) throw notAMethod(name, `has more than ${MAX_LENGTH} characters`);
  if (!SHAPE.test(name)) throw notAMethod(name, 'is no method name');
  if (needsContext(name) && name.split('.').length < 3) throw notAMethod(name, 'names no method of it');
  wellFormed.set(name, true);
  return name;
}

function notAMethod(name: string, reason: string): TrytonRequestError {
  const shown = JSON.stringify(name.length > 60 ? `${name.slice(0, 60)}…` : name);
  return new TrytonRequestError(
    `${shown} ${reason}: names in letters, digits, "_" and "-", joined by dots, as in model.party.party.search.`,
  );
}

/**
 * Whether a method only reads. A read may be retried, cached, and called with a key that allows reads only.
 *
 * Tryton knows it (`RPC(readonly=True)` opens a read-only transaction) but does not report it to clients, so names
 * decide. A name that is missing in the tables is sent once, never cached, and must be named by a key. A wrong entry
 * would be worse, because a write could be sent twice. So the tables contain only declared reads; a module that gives
 * such a name to a writing method breaks this. Reports are not reads, because the one of account.invoice stores its
 * output. Wizards are not reads either.
 */
export function isRead(method: string): boolean {
  if (NAMED_READS.has(method)) return true;
  if (!method.startsWith('model.')) return false;
  const verb = verbOf(method);
  return MODEL_READS.has(verb) || FIELD_READS.some((prefix) => verb.startsWith(prefix));
}

/** Whether a method is about sessions and passwords. Only the client itself may call it. */
export function isReserved(method: string): boolean {
  return method.startsWith('common.db.') && method !== 'common.db.list';
}

/** Whether Tryton expects a context as the last parameter. */
export function needsContext(method: string): boolean {
  return /^(model|wizard|report)\./.test(method);
}

/** Whether a method goes to the root URL of the server instead of the database's URL. */
export function isServerMethod(method: string): boolean {
  return SERVER_METHODS.includes(method);
}

/** The tags of a cached answer of this read: `['*', 'party.party']`. */
export function readTags(method: string): string[] {
  return method.startsWith('model.') ? ['*', modelOf(method)] : ['*'];
}

/**
 * The tags that a write invalidates: the model whose records it changes. It is everything (`*`) if the model is unknown
 * (buttons, wizards, reports) or if the effect reaches further: access rights, translations and views in ir and res,
 * records deleted or copied together with another one, and records written through a field that lists them.
 */
export function writeTags(method: string, params: readonly Wire[]): string[] {
  const known = method.startsWith('model.') && RECORD_WRITES.includes(verbOf(method));
  const model = modelOf(method);
  return known && !/^(ir|res)\./.test(model) && !params.some(reachesFurther) ? [model] : ['*'];
}

/** One parameter: the values of a record, or a list of them. */
function reachesFurther(param: Wire): boolean {
  if (isList(param)) return param.some((values) => isObject(values) && reachesFurther(values));
  return isObject(param) && Object.values(param).some((value) => isList(value) && value.some(isNestedWrite));
}

const isNestedWrite = (value: Wire): boolean => isList(value) && NESTED_WRITES.includes(value[0] ?? null);

/** Whether a method matches a pattern: `*` is any text, including dots; the rest must be equal. */
export function matchesPattern(method: string, pattern: string): boolean {
  const [first = '', ...rest] = pattern.split('*');
  const last = rest.pop();
  if (last === undefined) return method === pattern;
  if (!method.startsWith(first)) return false;
  let position = first.length;
  for (const piece of rest) {
    const found = method.indexOf(piece, position);
    if (found === -1) return false;
    position = found + piece.length;
  }
  return method.length - last.length >= position && method.endsWith(last);
}

/** Users, access rights, actions, scheduled jobs, translations; and the databases of the server. */
const ADMINISTRATION = /^(?:(?:model|wizard|report)\.(?:ir|res)|common\.db)\./;

/** Whether only a pattern that names it opens this method: see `isOpenedBy`. */
export function mustBeNamed(method: string): boolean {
  return ADMINISTRATION.test(method) && !isRead(method);
}

/**
 * Whether a pattern of a key opens a method. Writes to `ir.*` and `res.*` may change the rights of users, so
 * `model.*` does not open them: the text before the first `*` must name the model, as in `model.res.user.*`.
 */
export function isOpenedBy(pattern: string, method: string): boolean {
  const [named = ''] = pattern.split('*', 1);
  const isNamed = named.startsWith(method.slice(0, method.lastIndexOf('.') + 1));
  return matchesPattern(method, pattern) && (isNamed || !mustBeNamed(method));
}

/** Whether a text is a valid pattern: a method name in which any part is or contains `*`. */
export function isPattern(text: string): boolean {
  return text.length <= MAX_LENGTH && /^[\w*-]+(\.[\w*-]+)*$/.test(text);
}

function verbOf(method: string): string {
  return method.slice(method.lastIndexOf('.') + 1);
}

/** `party.party` of `model.party.party.read`. */
function modelOf(method: string): string {
  return method.slice(method.indexOf('.') + 1, method.lastIndexOf('.'));
}

type WireObject = { readonly [name: string]: Wire };

/**
 * Adds a context as the last parameter, as Tryton requires for models, wizards and reports; other calls are unchanged.
 * If the last parameter is an object without a tag, it is the context, and its members override the given ones.
 * Otherwise the given context is appended.
 *
 * Some methods end with an object of their own (`write`, `on_change…`, `set_preferences`, `report.….execute`) and are
 * recognized by their parameters. For others, mainly `copy` with default values, Tryton itself takes the last object as
 * the context: pass one, even `{}`.
 *
 * @param fixed for the call of another program: overrides its context, of which private names are left out.
 */
export function withContext(
  method: string,
  params: readonly Wire[],
  context: WireObject,
  fixed?: WireObject,
): Wire[] {
  if (!needsContext(method)) return [...params];
  const last = params.at(-1);
  const own =
    last !== undefined && params.length > ownParams(method, params.length) ? asContext(last) : undefined;
  const members = fixed === undefined ? own : publicMembers(own ?? {});
  return [...(own === undefined ? params : params.slice(0, -1)), { ...context, ...members, ...fixed }];
}

/** Names that begin with `_` are internal to Tryton (`_check_access`, `_user`). `_timestamp` is for clients. */
function publicMembers(context: WireObject): WireObject {
  return Object.fromEntries(
    Object.entries(context).filter(([name]) => !name.startsWith('_') || name === '_timestamp'),
  );
}

function asContext(value: Wire): WireObject | undefined {
  return isObject(value) && typeof value['__class__'] !== 'string' ? value : undefined;
}

/** The minimum of parameters before the context, in the sources of trytond 5.0 to 7.0. */
function ownParams(method: string, given: number): number {
  const verb = method.slice(method.lastIndexOf('.') + 1);
  // write(records, values, records, values, ...)
  if (method.startsWith('model.') && verb === 'write') return given % 2 === 0 ? given : given - 1;
  // execute(ids, data)
  if (method.startsWith('report.')) return 2;
  // The record as filled in so far; the preferences.
  return /^(on_change|on_scan_code|autocomplete|pre_validate|set_preferences)/.test(verb) ? 1 : 0;
}
