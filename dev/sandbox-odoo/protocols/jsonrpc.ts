import { asPython, PythonError, serialized } from '../errors.ts';
import type { OdooVersion } from '../orm/fields.ts';
import { jsonText } from '../planted.ts';
import { asObject, type Backend, describeCall, dispatchService, versionAnswer } from './dispatch.ts';
import type { Exchange, HttpAnswer, HttpRequest } from './http.ts';
import { errorPage, html } from './http.ts';

/** `POST /jsonrpc`: always status 200, errors included. */
export function jsonrpc(backend: Backend, request: HttpRequest, now: Date): Exchange | HttpAnswer {
  const { version } = backend.store;
  const payload = parse(request.body);
  if (!payload) return invalidJson(version, request.body);
  const { service, method, args } = asObject(payload['params']);
  const list = Array.isArray(args) ? args : [];
  const isObject = service === 'object';
  const call = describeCall(
    'jsonrpc',
    String(isObject ? list[4] : method),
    isObject ? String(list[3]) : '',
    isObject && Array.isArray(list[5]) ? list[5] : [],
    now,
  );
  return {
    call,
    answer(failure?: PythonError) {
      const id = payload['id'] ?? null;
      try {
        if (failure) throw failure;
        const what = { service: String(service), method: String(method), args: list };
        return reply(version, { id, result: dispatchService(backend, what) });
      } catch (error) {
        return reply(version, { id, error: rpcError(version, asPython(error)) });
      }
    },
  };
}

/** `POST /web/webclient/version_info`: no sign-in. */
export function webclientVersion(backend: Backend, request: HttpRequest): HttpAnswer {
  const id = parse(request.body)?.['id'] ?? null;
  return reply(backend.store.version, { id, result: versionAnswer(backend) });
}

/** The answer of 14.0 to a JSON request for an unknown address, such as `/json/2`. */
export function jsonNotFound(): HttpAnswer {
  const error = new PythonError(
    'werkzeug.exceptions.NotFound',
    '404 Not Found: The requested URL was not found',
  );
  const body = { id: null, error: { ...rpcError('14.0', error), code: 404, message: '404: Not Found' } };
  return { ...reply('14.0', body), status: 404 };
}

function rpcError(version: OdooVersion, error: PythonError) {
  return { code: version === '19.0' ? 0 : 200, message: 'Odoo Server Error', data: serialized(error) };
}

function reply(version: OdooVersion, answer: object): HttpAnswer {
  const type = version === '19.0' ? 'application/json; charset=utf-8' : 'application/json';
  return { status: 200, type, body: jsonText({ jsonrpc: '2.0', ...answer }) };
}

function parse(body: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(body);
    return typeof value === 'object' && value !== null ? asObject(value) : undefined;
  } catch {
    return undefined;
  }
}

function invalidJson(version: OdooVersion, body: string): HttpAnswer {
  if (version === '19.0') return html(400, 'Invalid JSON data');
  return errorPage(version, 400, 'Bad Request', `Invalid JSON data: '${body}'`);
}
