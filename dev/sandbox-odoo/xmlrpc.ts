import { type Backend, describeCall, dispatchService } from './dispatch.ts';
import { asPython, type PythonError } from './errors.ts';
import { type Exchange, errorPage, type HttpAnswer, type HttpRequest } from './http.ts';
import { readCall } from './xmlrpc-read.ts';
import { writeAnswer, writeFault } from './xmlrpc-write.ts';

/** `POST /xmlrpc/2/<service>`. A text that is not a method call is answered with a fault, as Odoo does. */
export function xmlrpc(backend: Backend, request: HttpRequest, now: Date): Exchange | HttpAnswer {
  const { version } = backend.store;
  if (request.verb !== 'POST') {
    const text = 'The method is not allowed for the requested URL.';
    return { ...errorPage(version, 405, 'Method Not Allowed', text), headers: { allow: 'POST' } };
  }
  const service = request.path.split('/').at(-1) ?? '';
  try {
    const { method, params } = readCall(request.body);
    return exchange(backend, service, method, params, now);
  } catch (error) {
    return xml(writeFault(asPython(error), version));
  }
}

function exchange(
  backend: Backend,
  service: string,
  method: string,
  params: readonly unknown[],
  now: Date,
): Exchange {
  const { version } = backend.store;
  const isObject = service === 'object';
  const call = describeCall(
    'xmlrpc',
    isObject ? String(params[4]) : method,
    isObject ? String(params[3]) : '',
    isObject ? listOf(params[5]) : [],
    now,
  );
  return {
    call,
    answer(failure?: PythonError) {
      try {
        if (failure) throw failure;
        return xml(writeAnswer(dispatchService(backend, { service, method, args: params }), version));
      } catch (error) {
        return xml(writeFault(asPython(error), version));
      }
    },
  };
}

const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);

const xml = (body: string): HttpAnswer => ({ status: 200, type: 'text/xml; charset=utf-8', body });
