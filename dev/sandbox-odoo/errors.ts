import type { OdooVersion } from './orm/fields.ts';

/**
 * An exception as in the Python code of Odoo. The three protocols format the same exception differently. `fault` is the
 * XML-RPC fault code, `status` the HTTP status of JSON-2. Seen on 14.0 and 19.0.
 */
export class PythonError extends Error {
  /** Module and class, for example `odoo.exceptions.AccessError`. */
  readonly python: string;
  readonly fault: 1 | 2 | 3 | 4;
  readonly status: number;

  constructor(python: string, message: string, fault: 1 | 2 | 3 | 4 = 1, status = 500) {
    super(message);
    this.python = python;
    this.fault = fault;
    this.status = status;
  }
}

export const valueError = (message: string) => new PythonError('builtins.ValueError', message);
export const typeError = (message: string) => new PythonError('builtins.TypeError', message);
export const userError = (message: string) => new PythonError('odoo.exceptions.UserError', message, 2, 422);
export const accessError = (message: string) =>
  new PythonError('odoo.exceptions.AccessError', message, 4, 403);
export const accessDenied = () => new PythonError('odoo.exceptions.AccessDenied', 'Access Denied', 3, 403);

/** The message of PostgreSQL for an unknown database, through psycopg2; a newer libpq names the server too. */
export function unknownDatabase(version: OdooVersion, db: string): PythonError {
  const server = version === '19.0' ? 'connection to server at "127.0.0.1", port 5432 failed: ' : '';
  return new PythonError('psycopg2.OperationalError', `${server}FATAL:  database "${db}" does not exist\n`);
}

/** The last lines of a traceback. Clients get it as XML-RPC fault 1 and as `debug`. */
export function traceback(error: PythonError): string {
  const name = error.python.replace(/^builtins\./, '');
  const last = `${name}: ${error.message}\n`;
  if (error.python === 'odoo.exceptions.AccessDenied') return last;
  return [
    'Traceback (most recent call last):',
    '  File "/opt/odoo/odoo/http.py", line 439, in dispatch_rpc',
    '    return dispatch(method, params)',
    last,
  ].join('\n');
}

/** The `data` of a JSON-RPC error, and the whole body of a JSON-2 error. */
export function serialized(error: PythonError) {
  return {
    name: error.python,
    message: error.message,
    arguments: [error.message],
    context: {},
    debug: traceback(error),
  };
}

/** Any thrown value as a Python exception. A bug of the sandbox must be visible. */
export function asPython(error: unknown): PythonError {
  if (error instanceof PythonError) return error;
  return new PythonError('builtins.RuntimeError', `sandbox: ${error instanceof Error ? error.stack : error}`);
}
