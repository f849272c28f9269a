import { accessDenied, PythonError, unknownDatabase, userError } from '../errors.ts';
import type { SandboxCall } from '../faults.ts';
import { Access } from '../orm/access.ts';
import type { Store } from '../orm/store.ts';
import { bindArguments, METHODS, signatureOf } from './methods.ts';

/** The shared parts of the protocols: the data, the logins, the observer. */
export interface Backend {
  readonly store: Store;
  readonly access: Access;
  readonly db: string;
  readonly user: string;
  readonly password: string;
  readonly apiKey: string;
  /** The id of `user`. */
  readonly uid: number;
  /** Another account, which no right or rule restricts. It has an API key only. */
  readonly admin: { readonly user: string; readonly apiKey: string; readonly uid: number };
}

/** A call of one of the two RPCs, before any check. */
interface ServiceCall {
  readonly service: string;
  readonly method: string;
  readonly args: readonly unknown[];
}

/**
 * Runs a call of `/xmlrpc/2` or `/jsonrpc`.
 *
 * @throws PythonError as Odoo would raise it.
 */
export function dispatchService(backend: Backend, { service, method, args }: ServiceCall): unknown {
  if (service === 'common') return common(backend, method, args);
  if (service === 'object') return object(backend, method, args);
  if (backend.store.version === '19.0') throw new PythonError('builtins.KeyError', service);
  const message = "local variable 'dispatch' referenced before assignment";
  throw new PythonError('builtins.UnboundLocalError', message);
}

export function versionAnswer({ store }: Backend) {
  const major = Number.parseInt(store.version, 10);
  return {
    server_version: store.version,
    server_version_info: [major, 0, 0, 'final', 0, ''],
    server_serie: store.version,
    protocol_version: 1,
  };
}

function common(backend: Backend, method: string, args: readonly unknown[]): unknown {
  if (method === 'version') return versionAnswer(backend);
  if (method !== 'authenticate' && method !== 'login') {
    throw new PythonError('builtins.Exception', `Method not found: ${method}`);
  }
  const [db, user, secret] = args;
  checkDatabase(backend, db);
  return uidOf(backend, user, secret) ?? false;
}

function object(backend: Backend, method: string, args: readonly unknown[]): unknown {
  const [db, uid, secret, model, name, ...rest] = args;
  if (method !== 'execute' && method !== 'execute_kw') {
    throw new PythonError('builtins.NameError', `Method not available ${method}`);
  }
  if (!secret) throw accessDenied();
  checkDatabase(backend, db);
  const user = Number(uid) === backend.admin.uid ? backend.admin.user : backend.user;
  if (Number(uid) !== uidOf(backend, user, secret)) throw accessDenied();
  const positional = method === 'execute' ? rest : asList(rest[0]);
  const keywords = method === 'execute' ? {} : asObject(rest[1]);
  return callMethod(actingAs(backend, Number(uid)), String(model), String(name), positional, keywords);
}

/** `execute_kw` on a model: the ids of a record method are its first positional argument. */
function callMethod(
  backend: Backend,
  model: string,
  method: string,
  positional: readonly unknown[],
  keywords: Readonly<Record<string, unknown>>,
): unknown {
  const { version } = backend.store;
  if (!backend.store.tables.has(model)) throw userError(`Object ${model} doesn't exist`);
  const signature = signatureOf(version, model, method);
  if (!signature.onModel && positional.length === 0) {
    const kind = version === '19.0' ? 'list' : 'tuple';
    throw new PythonError('builtins.IndexError', `${kind} index out of range`);
  }
  const [first, ...others] = positional;
  const { context, ...named } = keywords;
  const rest = signature.onModel ? positional : others;
  const args = bindArguments(version, method, signature, rest, named);
  const ids = signature.onModel ? [] : idList(first);
  return runMethod(backend, { model, method, context: asObject(context), ids, args });
}

/** Runs a method whose arguments are bound. @throws PythonError as Odoo would raise it. */
export function runMethod(
  backend: Backend,
  call: {
    readonly model: string;
    readonly method: string;
    readonly context: Readonly<Record<string, unknown>>;
    readonly ids: readonly number[];
    readonly args: Readonly<Record<string, unknown>>;
  },
): unknown {
  const { store, access, uid } = backend;
  const table = store.table(call.model);
  return METHODS[call.method]?.({ store, access, uid, table, ...call });
}

/** The record of a call, for faults and for counting. */
export function describeCall(
  protocol: SandboxCall['protocol'],
  method: string,
  model: string,
  args: readonly unknown[],
  at: Date,
): SandboxCall {
  const ids = args.flatMap(idsNamed);
  return { protocol, method, model, at, ...(ids.length > 0 && { ids }) };
}

/** The ids of a list of ids, or those that the conditions of a domain name. */
function idsNamed(arg: unknown): number[] {
  if (!Array.isArray(arg)) return [];
  if (arg.every((item) => typeof item === 'number')) return arg;
  return arg.flatMap((item: unknown) => {
    if (!Array.isArray(item) || (item[1] !== 'in' && item[1] !== '=')) return [];
    const bound: unknown[] = Array.isArray(item[2]) ? item[2] : [item[2]];
    return bound.filter((id) => typeof id === 'number');
  });
}

export function idList(value: unknown): number[] {
  const ids = Array.isArray(value) ? value : value === undefined ? [] : [value];
  const wrong: unknown = ids.find((id) => typeof id !== 'number');
  if (wrong === undefined) return ids;
  const message = `invalid input syntax for type integer: "${wrong}"\n`;
  throw new PythonError('psycopg2.errors.InvalidTextRepresentation', message);
}

export function asObject(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : {};
}

const asList = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);

/** The id of a user that signs in; undefined with a wrong secret. */
function uidOf({ admin, ...own }: Backend, user: unknown, secret: unknown): number | undefined {
  if (user === admin.user && secret === admin.apiKey) return admin.uid;
  return user === own.user && (secret === own.password || secret === own.apiKey) ? own.uid : undefined;
}

/** The backend as one of the accounts sees it. */
export function actingAs(backend: Backend, uid: number): Backend {
  return uid === backend.admin.uid ? { ...backend, uid, access: new Access() } : backend;
}

function checkDatabase(backend: Backend, db: unknown): void {
  if (db !== backend.db) throw unknownDatabase(backend.store.version, String(db));
}
