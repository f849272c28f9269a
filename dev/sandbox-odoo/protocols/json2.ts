import { asPython, PythonError, serialized } from '../errors.ts';
import { jsonText } from '../planted.ts';
import { actingAs, asObject, type Backend, describeCall, idList, runMethod } from './dispatch.ts';
import type { Exchange, HttpAnswer, HttpRequest } from './http.ts';
import { html } from './http.ts';
import { signatureOf } from './methods.ts';

type Body = Readonly<Record<string, unknown>>;

/** `POST /json/2/<model>/<method>` of Odoo 19: the body is the arguments by name, the answer the bare value. */
export function json2(backend: Backend, request: HttpRequest, now: Date): Exchange | HttpAnswer {
  if (wrongDatabase(backend, request)) return noDatabase();
  const [model, method, ...more] = request.path.split('/').slice(3);
  if (request.verb !== 'POST' || !model || !method || more.length > 0) {
    return refusal(http('NotFound', 404, 'Did you mean POST /json/2/<model>/<method>?'));
  }
  const body = parse(request.body);
  const fields = body instanceof PythonError ? {} : body;
  const call = describeCall('json2', method, model, [fields['ids'], fields['domain']], now);
  return {
    call,
    answer(failure?: PythonError) {
      try {
        const uid = signIn(backend, request);
        if (failure) throw failure;
        if (body instanceof PythonError) throw body;
        return json(200, run(actingAs(backend, uid), model, method, body));
      } catch (error) {
        return refusal(asPython(error));
      }
    },
  };
}

function run(backend: Backend, model: string, method: string, body: Body): unknown {
  const { ids, context, ...args } = body;
  if (!backend.store.tables.has(model)) {
    throw http('NotFound', 404, `the model '${model}' does not exist`);
  }
  const signature = signature19(backend, model, method);
  const records = idList(ids ?? []);
  if (signature.onModel && records.length > 0) {
    throw http('UnprocessableEntity', 422, `cannot call ${model}.${method} with ids`);
  }
  const missing = signature.parameters.slice(0, signature.required).find((name) => !(name in args));
  if (missing !== undefined) {
    throw http('UnprocessableEntity', 422, `missing a required argument: '${missing}'`);
  }
  const unknown = Object.keys(args).find((name) => !signature.parameters.includes(name));
  if (unknown !== undefined) {
    throw http('UnprocessableEntity', 422, `got an unexpected keyword argument '${unknown}'`);
  }
  return runMethod(backend, { model, method, context: asObject(context), ids: records, args });
}

/** An unknown method is an AttributeError elsewhere, and a page not found here. */
function signature19(backend: Backend, model: string, method: string) {
  try {
    return signatureOf(backend.store.version, model, method);
  } catch (error) {
    if (!(error instanceof PythonError) || error.python !== 'builtins.AttributeError') throw error;
    throw http('NotFound', 404, error.message);
  }
}

/** Only an API key signs in: a password does not (seen on 19.0). */
function signIn({ admin, apiKey, uid }: Backend, request: HttpRequest): number {
  const token = /^bearer\s+(.+)$/i.exec(String(request.headers['authorization'] ?? ''))?.[1];
  if (token === apiKey) return uid;
  if (token === admin.apiKey) return admin.uid;
  const message = 'User not authenticated, use an API Key with a Bearer Authorization header.';
  throw http('Unauthorized', 401, token ? 'Invalid apikey' : message);
}

function wrongDatabase(backend: Backend, request: HttpRequest): boolean {
  const asked = request.headers['x-odoo-database'];
  return asked !== undefined && asked !== backend.db;
}

function noDatabase(): HttpAnswer {
  return html(
    404,
    '<!DOCTYPE html>\n<title>404 Not Found</title>\n<h1>Not Found</h1>\n' +
      '<p>No database is selected and the requested URL was not found in the server-wide controllers.</p>\n' +
      '<p>Please verify the hostname, <a href=/web/login>login</a> and try again.</p>\n\n' +
      '<!-- Alternatively, use the X-Odoo-Database header. -->\n',
  );
}

function parse(text: string): Body | PythonError {
  if (text === '') return {};
  try {
    return asObject(JSON.parse(text));
  } catch {
    const reason = 'Expecting property name enclosed in double quotes: line 1 column 2 (char 1)';
    return http('BadRequest', 400, `could not parse the body as json: ${reason}`);
  }
}

const http = (name: string, status: number, message: string) =>
  new PythonError(`werkzeug.exceptions.${name}`, message, 1, status);

/** A Werkzeug exception carries its status among its arguments. */
function refusal(error: PythonError): HttpAnswer {
  const isHttp = error.python.startsWith('werkzeug.');
  const body = { ...serialized(error), ...(isHttp && { arguments: [error.message, error.status] }) };
  const answer = json(error.status, body);
  return error.status === 401 ? { ...answer, headers: { 'www-authenticate': 'Bearer ' } } : answer;
}

const json = (status: number, value: unknown): HttpAnswer => ({
  status,
  type: 'application/json; charset=utf-8',
  body: jsonText(value),
});
