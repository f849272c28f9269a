import { gunzipSync } from 'node:zlib';
import { Abort, keyError, pythonError, ServerException } from './errors.ts';
import { kindOf, listMethods, methodOf } from './methods.ts';
import type { TrytonVersion } from './models/fields.ts';
import type { HttpAnswer } from './pages.ts';
import { page, RELEASES, traceback, unauthorized } from './pages.ts';
import type { Sessions } from './sessions.ts';
import type { Store } from './store.ts';
import type { Dictionary, Value } from './values.ts';
import { isDictionary, isPlain, printJson } from './values.ts';

/** Answers a call. */
export interface Backend {
  readonly store: Store;
  readonly sessions: Sessions;
  readonly database: string;
}

/** A call whose body was understood. */
interface Call {
  readonly backend: Backend;
  readonly request: HttpRequest;
  readonly database: string;
  readonly method: string;
  readonly params: readonly Value[];
}

interface Outcome {
  readonly result: Value;
  readonly cacheSeconds?: number | undefined;
}

/** Answers `POST /<database>/`, or `POST /` if `database` is null. */
export function answer(backend: Backend, request: HttpRequest, database: string | null): HttpAnswer {
  const { version } = backend.store;
  const isJson = headerOf(request, 'content-type').includes('json');
  const body = isJson ? parsedBody(request) : undefined;
  try {
    const { result, cacheSeconds } =
      database === null ? root(backend, body) : call(backend, request, database, body);
    const value: Value = isEnveloped(body) ? { id: body['id'] ?? 0, result } : result;
    const isCached = cacheSeconds !== undefined && version !== '5.0';
    return json(value, isCached ? { 'X-Tryton-Cache': String(cacheSeconds) } : {});
  } catch (error) {
    return refusal(version, request, body, error);
  }
}

const json = (value: Value, headers: Readonly<Record<string, string>> = {}): HttpAnswer => ({
  status: 200,
  type: 'application/json',
  body: printJson(value),
  headers,
});

/** The answer without a session: 401, with a challenge unless the caller says that it is a script in a browser. */
class Unauthorized extends Error {}

function refusal(
  version: TrytonVersion,
  request: HttpRequest,
  body: Value | undefined,
  error: unknown,
): HttpAnswer {
  if (error instanceof Abort) return page(version, error.status);
  if (error instanceof Unauthorized)
    return unauthorized(version, headerOf(request, 'x-requested-with') === 'XMLHttpRequest');
  if (!(error instanceof ServerException)) throw error;
  if (isEnveloped(body))
    return json({
      id: body['id'] ?? 0,
      error: error.args ?? [error.message, version === '5.0' ? traceback(error.message) : ''],
    });
  // 5.0 has no status for exceptions of Tryton.
  const status = version === '5.0' && error.args !== null ? 500 : error.status;
  return page(version, status, error.message || undefined);
}

/** The answer to a body that is not a call. Each version fails differently. */
function unusable(version: TrytonVersion, request: HttpRequest, body: Value | undefined): ServerException {
  const isJson = headerOf(request, 'content-type').includes('json');
  const notIterable = 'Value after * must be an iterable, not NoneType';
  if (!isJson) return pythonError(version === '5.0' ? notIterable : '');
  if (body === undefined)
    return version === '5.0'
      ? new ServerException('Unable to read JSON request', null, 400)
      : pythonError(notIterable);
  if (!isDictionary(body)) return pythonError('');
  return pythonError(version === '5.0' ? "'params'" : notIterable);
}

function root({ store: { version }, database }: Backend, body: Value | undefined): Outcome {
  if (!isDictionary(body))
    throw version === '5.0'
      ? new ServerException('Unable to read JSON request', null, 400)
      : pythonError('None');
  const { method } = body;
  if (method === 'common.db.list') return { result: [database] };
  if (method === 'common.server.version') return { result: RELEASES[version] };
  if (method === 'common.authentication.services' && version === '7.0') return { result: [] };
  throw keyError(String(method));
}

function call(backend: Backend, request: HttpRequest, database: string, body: Value | undefined): Outcome {
  const { version } = backend.store;
  const params = isDictionary(body) ? argumentsOf(body['params']) : null;
  if (!isDictionary(body) || params === null) throw unusable(version, request, body);
  const method = body['method'];
  const given: Call = { backend, request, database, method: String(method), params };
  if (method === 'common.db.login') return { result: login(given) };
  if (method === 'system.methodSignature') return { result: 'signatures not supported' };
  const userId = signedIn(given);
  if (typeof method !== 'string')
    throw pythonError(version === '5.0' ? "'method'" : "'NoneType' object has no attribute 'split'");
  if (method === 'common.db.logout') return { result: logout(given) };
  if (method === 'system.listMethods') return { result: listMethods(backend.store) };
  return dispatch(given, userId);
}

function login({ backend, database, params }: Call): Value {
  if (params.length < 2)
    throw pythonError("login() missing 2 required positional arguments: 'user' and 'parameters'");
  if (database !== backend.database) throw unknownDatabase(backend.store.version, database, true);
  const [name, parameters = null] = params;
  return backend.sessions.signIn(String(name), isPlain(parameters) ? parameters : {});
}

function logout({ backend, request }: Call): Value {
  const authorization = authorizationOf(request);
  if (authorization?.kind === 'session') backend.sessions.close(authorization.key);
  return null;
}

/** The id of the user behind the call. @throws Unauthorized */
function signedIn({ backend, request, database }: Call): number {
  const authorization = authorizationOf(request);
  if (authorization === null) throw new Unauthorized();
  if (database !== backend.database) throw unknownDatabase(backend.store.version, database, false);
  if (authorization.kind === 'basic')
    return backend.sessions.verify(authorization.login, { password: authorization.password });
  if (!backend.sessions.holds(authorization.userId, authorization.key)) throw new Unauthorized();
  return authorization.userId;
}

function unknownDatabase(version: TrytonVersion, database: string, isLogin: boolean): Error {
  if (version === '7.0') return pythonError("'NoneType' object has no attribute 'put_connection'");
  if (isLogin) return new Abort(404);
  const fatal = `FATAL:  database "${database}" does not exist\n`;
  return pythonError(
    version === '6.0' ? `connection to server at "127.0.0.1", port 5432 failed: ${fatal}` : fatal,
  );
}

function dispatch({ backend, method, params }: Call, userId: number): Outcome {
  const { store } = backend;
  const [type = '', ...rest] = method.split('.');
  if (type !== 'model')
    throw keyError(['wizard', 'report'].includes(type) ? rest.slice(0, -1).join('.') : type);
  const model = rest.slice(0, -1).join('.');
  const name = rest.at(-1) ?? '';
  const found = methodOf(store, model, name);
  const context = params.at(-1);
  if (!isPlain(context)) throw missingContext(store.version, params);
  const given = params.slice(0, -1);
  const result = store.transaction(() => found.run({ store, model, params: given, context, userId }));
  rememberPasswords(backend, model, name, given, result);
  return { result, cacheSeconds: found.cacheSeconds };
}

function missingContext(version: TrytonVersion, params: readonly Value[]): ServerException {
  if (version !== '5.0') return pythonError('Missing context argument');
  const last = params.at(-1);
  return pythonError(
    last === undefined ? 'pop from empty list' : `'${kindOf(last)}' object has no attribute 'keys'`,
  );
}

/** The password is not a column: the sessions keep it. */
function rememberPasswords(
  { sessions }: Backend,
  model: string,
  method: string,
  params: readonly Value[],
  result: Value,
): void {
  if (model !== 'res.user' || !['create', 'write'].includes(method)) return;
  const ids = method === 'create' ? result : params[0];
  const values = method === 'create' ? params[0] : params.slice(1, 2);
  if (!Array.isArray(ids) || !Array.isArray(values)) return;
  ids.forEach((id, at) => {
    const { password } = Object(method === 'create' ? values[at] : values[0]);
    if (typeof password === 'string') sessions.setPassword(Number(id), password);
  });
}

/** A request whose body was read, or only measured. */
export interface HttpRequest {
  readonly verb: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly body: Buffer;
}

export const headerOf = (request: HttpRequest, name: string): string => String(request.headers[name] ?? '');

/** The content of an `Authorization` header. */
type Authorization =
  | { readonly kind: 'session'; readonly login: string; readonly userId: number; readonly key: string }
  | { readonly kind: 'basic'; readonly login: string; readonly password: string };

export function authorizationOf(request: HttpRequest): Authorization | null {
  const [, scheme = '', token = ''] = /^(\S+)\s+(\S+)$/.exec(headerOf(request, 'authorization')) ?? [];
  const [login = '', ...rest] = Buffer.from(token, 'base64').toString('utf8').split(':');
  if (scheme.toLowerCase() === 'basic') return { kind: 'basic', login, password: rest.join(':') };
  const [userId = '', key = ''] = rest;
  if (scheme.toLowerCase() !== 'session' || rest.length !== 2 || !/^\d+$/.test(userId)) return null;
  return { kind: 'session', login, userId: Number(userId), key };
}

/** The body as a JSON value; undefined for other texts. */
export function parsedBody(request: HttpRequest): Value | undefined {
  try {
    const isZipped = headerOf(request, 'content-encoding') === 'gzip';
    const text = (isZipped ? gunzipSync(request.body) : request.body).toString('utf8');
    const parsed: Value = JSON.parse(text);
    return parsed;
  } catch {
    return undefined;
  }
}

/** Whether the answer gets an envelope: only with exactly these three keys. */
const isEnveloped = (body: Value | undefined): body is Dictionary =>
  isDictionary(body) && Object.keys(body).sort().join() === 'id,method,params';

/** The result of `*params` in Python: a list unchanged, an object as its keys. */
function argumentsOf(params: Value | undefined): readonly Value[] | null {
  if (Array.isArray(params)) return params;
  if (typeof params === 'string') return [...params];
  return isDictionary(params) ? Object.keys(params) : null;
}
