import { TrytonRequestError } from './errors.ts';
import { FIELD_READS, MODEL_READS, NAMED_READS } from './reads.ts';
import type { Wire } from './types.ts';
import { isList, isObject } from './wire.ts';

/** Answered below the server's root, without a database. */
const SERVER_METHODS = ['common.server.version', 'common.db.list', 'common.authentication.services'];

/** Writes that change records of the model they are called on, unless their values reach into others. */
const RECORD_WRITES = ['create', 'write'];

/** What is done to records of another model through a field that lists them: `{"lines": [["write", [7], {…}]]}`. */
const NESTED_WRITES: readonly Wire[] = ['create', 'write', 'delete', 'copy', 'add', 'remove'];

const SHAPE = /^[\w-]+(\.[\w-]+)+$/;
const MAX_LENGTH = 200;

/** Names that were looked at: each call looks at its own several times. Callers may send any number of them. */
const wellFormed = new Set<string>();
const MOST_REMEMBERED = 1000;

/**
 * The full name of a method: `('model', 'party.party.search')` and `('model.party.party.search')` are the same.
 * Throws TrytonRequestError for what cannot be one.
 */
export function methodName(service: string, method?: string): string {
  const name = method === undefined ? service : `${service}.${method}`;
  if (wellFormed.has(name)) return name;
  if (name.length > MAX_LENGTH) throw notAMethod(name, `has more than ${MAX_LENGTH} characters`);
  if (!SHAPE.test(name)) throw notAMethod(name, 'is no method name');
  if (needsContext(name) && name.split('.').length < 3) throw notAMethod(name, 'names no method of it');
  if (wellFormed.size >= MOST_REMEMBERED) wellFormed.clear();
  wellFormed.add(name);
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
 * Tryton knows (`RPC(readonly=True)` opens a read-only transaction) but does not tell clients, so names decide. A name
 * missing from the tables costs comfort: the call is sent once, never cached, and a key must name it. A name wrongly in
 * them would be worse, a write sent twice; so only what Tryton declares is in, and a module that gives such a name to a
 * method that writes breaks this. Reports are no reads: account.invoice's stores what it printed. Nor are wizards.
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
 * that cannot be told (buttons, wizards, reports) or reaches further: access rights, translations and views in ir and
 * res; records that go with a deleted one or come with its copy; those that are written through a field that lists them.
 */
export function writeTags(method: string, params: readonly Wire[]): string[] {
  const known = method.startsWith('model.') && RECORD_WRITES.includes(verbOf(method));
  const model = modelOf(method);
  return known && !/^(ir|res)\./.test(model) && !params.some(reachesFurther) ? [model] : ['*'];
}

/** Of one parameter: the values of a record, or a list of such. */
function reachesFurther(param: Wire): boolean {
  if (isList(param)) return param.some((values) => isObject(values) && reachesFurther(values));
  return isObject(param) && Object.values(param).some((value) => isList(value) && value.some(isNestedWrite));
}

const isNestedWrite = (value: Wire): boolean => isList(value) && NESTED_WRITES.includes(value[0] ?? null);

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
