import { TrytonRequestError } from './errors.ts';

/**
 * Methods of any model that only read. Tryton itself knows which do (`RPC(readonly=True)` opens a read-only transaction)
 * but does not tell clients, so they are known by name: what the sources of trytond 5.0, 6.0 and 7.0 declare.
 */
const MODEL_READS: ReadonlySet<string> = new Set([
  // trytond/model/modelstorage.py and modelsql.py: records.
  'read',
  'search',
  'search_read',
  'search_count',
  'export_data',
  'export_data_domain', // from 5.2
  'resources', // counts of attachments and notes
  'history_revisions', // dates and users
  // trytond/model/model.py and modelview.py: descriptions for forms, and what a form would hold. Nothing is stored.
  'fields_get',
  'fields_view_get',
  'view_toolbar_get',
  'default_get',
  'pre_validate',
  'on_change',
  'on_change_with',
  'on_change_notify', // from 6.8
  'on_scan_code', // from 6.4
  'autocomplete', // from 6.6
  'on_write', // which other records of a list to read again after a write
  // trytond/model/dictschema.py, symbol.py, digits.py.
  'get_keys',
  'search_get_keys',
  'get_symbol',
  'get_digits',
]);

/** One method per field, made by trytond/model/fields/field.py: all read-only. */
const FIELD_READS = ['on_change_', 'on_change_with_', 'autocomplete_'];

/** Reads that a single model or service has; each from the class that declares it. */
const NAMED_READS: ReadonlySet<string> = new Set([
  'model.ir.action.get_action_id', // 5.0
  'model.ir.action.get_action_value', // from 5.4
  'model.ir.action.act_window.get',
  'model.ir.action.keyword.get_keyword', // the entries of a menu
  'model.ir.date.today',
  'model.ir.email.complete', // addresses that begin so
  'model.ir.email.template.get', // a mail filled in, not sent
  'model.ir.email.template.get_default',
  'model.ir.model.get_names',
  'model.ir.model.get_notification',
  'model.ir.model.global_search',
  'model.ir.model.list_history',
  'model.ir.model.list_models',
  'model.ir.model.access.get_access',
  'model.ir.model.button.click.get_click', // who pressed a button, not the pressing
  'model.res.user.get_preferences',
  'model.res.user.get_preferences_fields_view',
  'model.currency.currency.compute',
  // trytond/protocols/dispatcher.py. `common.db.list` is left out: what else a server holds is not for every caller.
  'common.server.version',
  'common.authentication.services',
  'system.listMethods',
  'system.methodHelp',
  'system.methodSignature',
]);

/** Answered below the server's root, without a database. */
const SERVER_METHODS = ['common.server.version', 'common.db.list', 'common.authentication.services'];

/** Writes that change records of the model they are called on (and what hangs on those). */
const RECORD_WRITES = ['create', 'write', 'delete', 'copy', 'import_data'];

const SHAPE = /^[\w-]+(\.[\w-]+)+$/;
const MAX_LENGTH = 200;

/**
 * The full name of a method: `('model', 'party.party.search')` and `('model.party.party.search')` are the same.
 * Throws TrytonRequestError for what cannot be one.
 */
export function methodName(service: string, method?: string): string {
  const name = method === undefined ? service : `${service}.${method}`;
  if (name.length > MAX_LENGTH) throw notAMethod(name, `has more than ${MAX_LENGTH} characters`);
  if (!SHAPE.test(name)) throw notAMethod(name, 'is no method name');
  if (needsContext(name) && name.split('.').length < 3) throw notAMethod(name, 'names no method of it');
  return name;
}

function notAMethod(name: string, reason: string): TrytonRequestError {
  const shown = JSON.stringify(name.length > 60 ? `${name.slice(0, 60)}…` : name);
  return new TrytonRequestError(
    `${shown} ${reason}: names in letters, digits, "_" and "-", joined by dots, as in model.party.party.search.`,
  );
}

/**
 * Whether a method only reads: then it may be retried, cached, and called with a key that opens reads alone.
 *
 * A name that is missing from the tables costs comfort: its call is sent once and never cached, and a key must name it
 * (selection methods of fields, say, whose names are the module's own). A name wrongly in them would be worse, a
 * write sent twice; so only declared reads are in. A module that gives such a name to a method that writes breaks this:
 * none of Tryton's does. Reports are no reads: account.invoice's stores what it printed. Nor are wizards.
 */
export function isRead(method: string): boolean {
  if (NAMED_READS.has(method)) return true;
  if (!method.startsWith('model.')) return false;
  const verb = verbOf(method);
  return MODEL_READS.has(verb) || FIELD_READS.some((prefix) => verb.startsWith(prefix));
}

/** Whether a method is about sessions and passwords: these are the client's own business. */
export function isReserved(method: string): boolean {
  return method.startsWith('common.db.') && method !== 'common.db.list';
}

/** Whether Tryton expects a context as the last parameter. */
export function needsContext(method: string): boolean {
  return /^(model|wizard|report)\./.test(method);
}

/** Whether a method goes to the server's root URL instead of the database's. */
export function isServerMethod(method: string): boolean {
  return SERVER_METHODS.includes(method);
}

/** What a cached answer of this read hangs on: `['*', 'party.party']`. */
export function readTags(method: string): string[] {
  return method.startsWith('model.') ? ['*', modelOf(method)] : ['*'];
}

/**
 * The tags that a call other than a read makes stale: the model whose records it changes, and everything (`*`) where
 * that cannot be told (buttons, wizards, reports) or reaches further (access rights, translations, views in ir and res).
 */
export function writeTags(method: string): string[] {
  const known = method.startsWith('model.') && RECORD_WRITES.includes(verbOf(method));
  const model = modelOf(method);
  return known && !/^(ir|res)\./.test(model) ? [model] : ['*'];
}

/** Whether a method fits a pattern: `*` is any text, dots included; the rest counts letter for letter. */
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

/** Whether a text can serve as a pattern: a method name in which any part is or holds `*`. */
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
