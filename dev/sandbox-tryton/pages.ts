import type { TrytonVersion } from './models/fields.ts';

/** An answer of the server, before compression and faults. */
export interface HttpAnswer {
  readonly status: number;
  readonly type: string;
  readonly body: string;
  readonly headers?: Readonly<Record<string, string>>;
}

export const SERVERS: Readonly<Record<TrytonVersion, string>> = {
  '7.0': 'Werkzeug/3.1.3 Python/3.13.5',
  '6.0': 'Werkzeug/2.2.2 Python/3.11.2',
  '5.0': 'Werkzeug/1.0.1 Python/3.9.2',
};

/** The full version, the answer of `common.server.version`. */
export const RELEASES: Readonly<Record<TrytonVersion, string>> = {
  '7.0': '7.0.30',
  '6.0': '6.0.29',
  '5.0': '5.0.33',
};

const TITLES: Readonly<Record<number, string>> = {
  308: 'Redirecting...',
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  409: 'Conflict',
  411: 'Length Required',
  413: 'Request Entity Too Large',
  423: 'Locked',
  429: 'Too Many Requests',
  500: 'Internal Server Error',
};

const WORDS: Readonly<Record<number, string>> = {
  401:
    'The server could not verify that you are authorized to access the URL requested. You either supplied the ' +
    "wrong credentials (e.g. a bad password), or your browser doesn't understand how to supply the credentials required.",
  403:
    "You don't have the permission to access the requested resource. It is either read-protected or not readable " +
    'by the server.',
  404:
    'The requested URL was not found on the server. If you entered the URL manually please check your spelling ' +
    'and try again.',
  405: 'The method is not allowed for the requested URL.',
  411: 'A request with this method requires a valid <code>Content-Length</code> header.',
  413: 'The data value transmitted exceeds the capacity limit.',
  429: 'This user has exceeded an allotted request count. Try again later.',
  500:
    'The server encountered an internal error and was unable to complete your request. Either the server is ' +
    'overloaded or there is an error in the application.',
};

/** An error page of Werkzeug, with the text of the status or the given one. */
export function page(version: TrytonVersion, status: number, words = WORDS[status] ?? ''): HttpAnswer {
  const isOld = version === '5.0';
  const head = isOld
    ? '<!DOCTYPE HTML PUBLIC "-//W3C//DTD HTML 3.2 Final//EN">'
    : '<!doctype html>\n<html lang=en>';
  const title = TITLES[status] ?? '';
  const text = isOld ? words.replaceAll('\n', '<br>') : escapeHtml(words);
  return {
    status,
    type: 'text/html; charset=utf-8',
    body: `${head}\n<title>${status === 308 ? '' : `${status} `}${title}</title>\n<h1>${title}</h1>\n<p>${isOld && status === 411 ? escapeHtml(text) : text}</p>\n`,
    ...(status === 405 && { headers: { Allow: isOld ? 'POST' : 'POST, OPTIONS' } }),
  };
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  "'": '&#39;',
  '"': '&#34;',
};

const escapeHtml = (text: string): string => text.replaceAll(/[&<>'"]/g, (char) => ENTITIES[char] ?? char);

/** The answer if the slash at the end is missing. */
export function redirect(version: TrytonVersion, url: string): HttpAnswer {
  const { type, body } = page(version, 308, 'You should be redirected automatically to the target URL.');
  return { status: 308, type, body, headers: { Location: url } };
}

/** The answer to a call without a valid session. 5.0 sends a page, later versions only a challenge. */
export function unauthorized(version: TrytonVersion, isXhr: boolean): HttpAnswer {
  if (version === '5.0') return page(version, 401);
  return {
    status: 401,
    type: 'text/plain; charset=utf-8',
    body: '',
    headers: isXhr ? {} : { 'WWW-Authenticate': 'Basic realm="Tryton"' },
  };
}

/** A traceback in the format of 5.0, which sends one with each Python error. */
export const traceback = (words: string): string =>
  'Traceback (most recent call last):\n' +
  '  File "/trytond/wsgi.py", line 91, in dispatch_request\n    return endpoint(request, **request.view_args)\n' +
  '  File "/trytond/protocols/dispatcher.py", line 45, in rpc\n    return methods.get(request.rpc_method, _dispatch)(\n' +
  `  File "/trytond/protocols/dispatcher.py", line 172, in _dispatch\nException: ${words}\n`;
