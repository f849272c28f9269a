import { retryAfterMs } from '../../shared/retry.ts';
import {
  TrytonAuthError,
  TrytonConcurrencyError,
  TrytonDatabaseError,
  type TrytonError,
  TrytonLoginStepError,
  TrytonMalformedError,
  TrytonMethodNotAllowedError,
  TrytonRateLimitError,
  TrytonRequestError,
  TrytonRpcError,
  TrytonSessionError,
  TrytonUnavailableError,
  TrytonUnknownFateError,
  TrytonUserError,
  TrytonUserWarning,
} from '../errors.ts';
import type { Answer, HttpAnswer, RequestDetails, RequestSite, Wire } from '../types.ts';
import { isList, isObject, parseWire } from '../wire/json.ts';

const MAX_TEXT = 300;

/**
 * How servers report a missing database, in the first line. trytond 7.0: its driver fails with a pool that it could not
 * open. 5.0 and 6.0: the message of PostgreSQL. SQLite: its own message. (7.0 reports the same if PostgreSQL is down
 * before its first call.)
 */
const NO_DATABASE = [
  /^'NoneType' object has no attribute 'put_connection'$/,
  /database ".*" does not exist$/,
  /^unable to open database file$/,
];

type Kind = (request: RequestDetails, details: readonly Wire[]) => TrytonError;

/** Tryton's named errors (trytond/exceptions.py): the name is `error[0]`, the details `error[1]`. */
const KINDS: Readonly<Record<string, Kind>> = {
  UserError: (request, [message, description]) =>
    new TrytonUserError(request.site, shown(request, message), shown(request, description)),
  UserWarning: (request, [name, message, description]) =>
    new TrytonUserWarning(
      request.site,
      shown(request, name),
      shown(request, message),
      shown(request, description),
    ),
  ConcurrencyException: (request, [message]) =>
    new TrytonConcurrencyError(request.site, shown(request, message)),
  LoginException: (request, [step, message]) =>
    step === 'password'
      ? new TrytonAuthError(request.site)
      : new TrytonLoginStepError(request.site, shown(request, step), shown(request, message)),
};

/** The error in `{"id", "error"}`. For unknown errors only the first line is used, because the rest is a traceback. */
function errorFromServer(request: RequestDetails, error: readonly Wire[]): TrytonError {
  const [name, details = null] = error;
  const kind = typeof name === 'string' && Object.hasOwn(KINDS, name) ? KINDS[name] : undefined;
  if (kind !== undefined) return kind(request, isList(details) ? details : [details]);
  const text = firstLine(typeof name === 'string' ? name : '');
  if (request.kind !== 'root' && NO_DATABASE.some((words) => words.test(text)))
    return new TrytonDatabaseError(request.site);
  const words = text === '' ? 'one without a text.' : request.hide(text).slice(0, MAX_TEXT);
  return new TrytonRpcError(request.site, words);
}

/** The whole message, because it is for people. */
function shown(request: RequestDetails, value: Wire | undefined): string {
  return typeof value === 'string' ? request.hide(value) : '';
}

function firstLine(text: string): string {
  return (
    text
      .trimStart()
      .split(/[\r\n]/, 1)[0]
      ?.trimEnd() ?? ''
  );
}

/** The error for a request that was sent but not properly answered: a write may have been carried out. */
export function toUnknownOutcome(
  { site, write }: RequestSite,
  error: TrytonError,
  reason: string,
): TrytonError {
  return write ? new TrytonUnknownFateError(site, reason, { cause: error }) : error;
}

/** Tryton counts refused logins for `session.timeout`, 300 s by default. Its answer does not contain it. */
const LOGIN_PAUSE_S = 300;
const PAUSE_S = 60;

const MAX_WORDS = 300;

type OfStatus = (request: RequestDetails, http: HttpAnswer) => Error;

/**
 * The errors of HTTP statuses. 400, 409, 423 and 500 are errors of Tryton without an envelope (trytond 5.6 and newer;
 * 5.0 always sends 500). With one of the last rows a write may have been carried out: a proxy that answers 502, 503,
 * 504 or 408 may have forwarded it before (nginx does, to the next server), and 500 may follow the commit.
 */
const STATUSES: Readonly<Record<number, OfStatus>> = {
  400: (request, http) => new TrytonRpcError(request.site, `${words(request, http)} (HTTP 400)`),
  401: unauthorized,
  403: ({ site }) => new TrytonMethodNotAllowedError(site),
  404: notFound,
  409: (request, http) => new TrytonUserWarning(request.site, '', words(request, http), ''),
  413: ({ site }) =>
    new TrytonRequestError(
      `${site.method} is too long for Tryton at ${site.server} (HTTP 413). Send less at once.`,
    ),
  423: (request, http) => new TrytonConcurrencyError(request.site, words(request, http)),
  429: ({ site, kind }, http) =>
    new TrytonRateLimitError(site, pauseSeconds(http) ?? (kind === 'login' ? LOGIN_PAUSE_S : PAUSE_S)),
  500: (request, http) =>
    toUnknownOutcome(
      request,
      new TrytonRpcError(request.site, `${words(request, http)} (HTTP 500)`),
      'HTTP 500',
    ),
  408: unavailable,
  502: unavailable,
  503: unavailable,
  504: unavailable,
};

/** The error of an HTTP status other than 200. */
function errorOfStatus(request: RequestDetails, http: HttpAnswer): Error {
  const { status } = http;
  const known = STATUSES[status];
  if (known !== undefined) return known(request, http);
  if (status >= 300 && status < 400) return new TrytonMalformedError(request.site, redirect(http));
  const error = new TrytonMalformedError(request.site, `HTTP ${status}, ${words(request, http)}.`);
  // A status of refusal proves that nothing was done; other statuses prove nothing.
  return status >= 400 && status < 500 ? error : toUnknownOutcome(request, error, `HTTP ${status}`);
}

function unauthorized({ site, kind }: RequestDetails): Error {
  if (kind === 'login') return new TrytonAuthError(site);
  if (kind === 'call') return new TrytonSessionError(site);
  return new TrytonMalformedError(
    site,
    'HTTP 401: something in front of Tryton asks for a password of its own.',
  );
}

function notFound({ site, kind }: RequestDetails): Error {
  if (kind !== 'root') return new TrytonDatabaseError(site);
  return new TrytonMalformedError(site, 'HTTP 404: no Tryton answers at the root of that address.');
}

function unavailable(request: RequestDetails, http: HttpAnswer): Error {
  const pause = retryAfterMs(http.header('retry-after'), Date.now());
  const error = new TrytonUnavailableError(request.site, http.status, pause);
  return toUnknownOutcome(request, error, `HTTP ${http.status}`);
}

function pauseSeconds(http: HttpAnswer): number | undefined {
  const pause = retryAfterMs(http.header('retry-after'), Date.now());
  return pause === undefined ? undefined : Math.ceil(pause / 1000);
}

function redirect(http: HttpAnswer): string {
  const location = http.header('location') ?? '';
  const target = URL.canParse(location) ? new URL(location).origin : 'another path of the same server';
  return `HTTP ${http.status}, a redirect to ${target}, which is not followed. Set TRYTON_RPC_URL to the final address.`;
}

function words({ hide }: RequestDetails, http: HttpAnswer): string {
  const shown = hide(pageWords(http.text)).slice(0, MAX_WORDS);
  return shown === '' ? 'without a word' : shown;
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&lt;': '<',
  '&gt;': '>',
  '&quot;': '"',
  '&#34;': '"',
  '&#39;': "'",
  '&amp;': '&',
};

/** A page can have megabytes. Its title and its first paragraph are near the start. */
const PAGE_CHARACTERS = 64 * 1024;

/** The text of an HTML page: its first paragraph (the error description of werkzeug), or its title; one line. */
export function pageWords(html: string): string {
  const start = html.slice(0, PAGE_CHARACTERS);
  const text = /<p>([^<]{1,2000})/i.exec(start)?.[1] ?? /<title[^<>]*>([^<]{1,2000})/i.exec(start)?.[1] ?? '';
  const plain = text.replaceAll(/&(?:lt|gt|quot|amp|#34|#39);/g, (entity) => ENTITIES[entity] ?? entity);
  return plain.trim().split(/[\r\n]/, 1)[0] ?? '';
}

/**
 * The result of an answer: `{"id", "result"}`, or an unwrapped value, which Tryton sends if a proxy added a key to the
 * request (5.0 to 7.0).
 *
 * Throws the error in `{"id", "error"}`, the error of the HTTP status, or TrytonMalformedError. Throws
 * TrytonUnknownFateError if a write got no answer of Tryton itself.
 */
export function readAnswer(request: RequestDetails, http: HttpAnswer): Answer {
  const body = parsed(http.text);
  const errorBody = body !== undefined && isObject(body) && body['id'] === request.id && body['error'];
  if (errorBody && isList(errorBody) && !SESSION_STATUSES.includes(http.status))
    throw errorFromServer(request, errorBody);
  if (http.status !== 200) throw errorOfStatus(request, http);
  if (body === undefined) throw malformed(request, `${whatItIs(request, http)}.`);
  const result = unwrapped(request, body);
  return { result, cacheSeconds: seconds(http.header('x-tryton-cache')) };
}

/** Statuses that decide, whatever the body contains. */
const SESSION_STATUSES: readonly number[] = [401, 403, 429];

function parsed(text: string): Wire | undefined {
  try {
    return parseWire(text);
  } catch {
    return undefined;
  }
}

function unwrapped(request: RequestDetails, body: Wire): Wire {
  if (!isObject(body) || !['id', 'result', 'error'].some((key) => Object.hasOwn(body, key))) return body;
  const { id, result, error = null } = body;
  if (id !== request.id) throw malformed(request, 'it belongs to another request (its id differs).');
  if (error !== null) throw errorFromServer(request, isList(error) ? error : [error]);
  if (result === undefined) throw malformed(request, 'it has neither result nor error.');
  return result;
}

function malformed(request: RequestDetails, reason: string): TrytonError {
  return toUnknownOutcome(request, new TrytonMalformedError(request.site, reason), reason);
}

function whatItIs({ hide }: RequestDetails, http: HttpAnswer): string {
  if (http.text.trim() === '') return 'an empty body';
  const html = /html/i.test(http.header('content-type') ?? '') || /^\s*<(!doctype|html)/i.test(http.text);
  if (html)
    return `a web page (${JSON.stringify(hide(pageWords(http.text)).slice(0, MAX_WORDS))}), not from Tryton`;
  return 'it is not complete JSON';
}

/** `X-Tryton-Cache`, in whole seconds. */
function seconds(header: string | undefined): number | null {
  return header !== undefined && /^\d{1,9}$/.test(header.trim()) ? Number(header) : null;
}
