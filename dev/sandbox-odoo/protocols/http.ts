import type { PythonError } from '../errors.ts';
import type { SandboxCall } from '../faults.ts';
import type { OdooVersion } from '../orm/fields.ts';

/** A call that was understood. `answer` runs it, or creates its error. */
export interface Exchange {
  readonly call: SandboxCall;
  answer(failure?: PythonError): HttpAnswer;
}

/** A page of Werkzeug, for an unknown address. */
export function errorPage(version: OdooVersion, status: number, title: string, text: string): HttpAnswer {
  const head =
    version === '19.0'
      ? '<!doctype html>\n<html lang=en>'
      : '<!DOCTYPE HTML PUBLIC "-//W3C//DTD HTML 3.2 Final//EN">';
  return html(status, `${head}\n<title>${status} ${title}</title>\n<h1>${title}</h1>\n<p>${text}</p>\n`);
}

export interface HttpAnswer {
  readonly status: number;
  readonly type: string;
  readonly body: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** A request whose body was read. */
export interface HttpRequest {
  readonly verb: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly body: string;
}

export const html = (status: number, body: string): HttpAnswer => ({
  status,
  type: 'text/html; charset=utf-8',
  body,
});

export const notFound = (version: OdooVersion): HttpAnswer =>
  errorPage(
    version,
    404,
    'Not Found',
    'The requested URL was not found on the server. If you entered the URL manually please check your spelling ' +
      'and try again.',
  );
