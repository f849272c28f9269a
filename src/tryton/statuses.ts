import { retryAfterMs } from '../retry.ts';
import {
  TrytonConcurrencyError,
  TrytonDatabaseError,
  TrytonMalformedError,
  TrytonMethodNotAllowedError,
  TrytonRateLimitError,
  TrytonRequestError,
  TrytonRpcError,
  TrytonUnavailableError,
  TrytonUserWarning,
} from './errors.ts';
import type { Asked } from './fate.ts';
import { unanswered } from './fate.ts';
import { TrytonAuthError, TrytonSessionError } from './login-errors.ts';
import type { HttpAnswer } from './transport.ts';

/** Tryton counts refused logins for `session.timeout`, 300 s by default, and says nothing of it in its answer. */
const LOGIN_PAUSE_S = 300;
const PAUSE_S = 60;

export const LONGEST_WORDS = 300;

type OfStatus = (asked: Asked, http: HttpAnswer) => Error;

/**
 * What a status means. 400, 409, 423 and 500 are Tryton's errors outside of an envelope (trytond 5.6 and newer; 5.0
 * always says 500). A write that got one of the last rows may have been carried out: a proxy that answers 502, 503,
 * 504 or 408 may have passed it on before (nginx does, to the next server), and 500 may come after the commit.
 */
const STATUSES: Readonly<Record<number, OfStatus>> = {
  400: (asked, http) => new TrytonRpcError(asked.site, `${words(asked, http)} (HTTP 400)`),
  401: unauthorized,
  403: ({ site }) => new TrytonMethodNotAllowedError(site),
  404: notFound,
  409: (asked, http) => new TrytonUserWarning(asked.site, '', words(asked, http), ''),
  413: ({ site }) =>
    new TrytonRequestError(
      `${site.method} is too long for Tryton at ${site.server} (HTTP 413). Send less at once.`,
    ),
  423: (asked, http) => new TrytonConcurrencyError(asked.site, words(asked, http)),
  429: ({ site, kind }, http) =>
    new TrytonRateLimitError(site, pauseSeconds(http) ?? (kind === 'login' ? LOGIN_PAUSE_S : PAUSE_S)),
  500: (asked, http) =>
    unanswered(asked, new TrytonRpcError(asked.site, `${words(asked, http)} (HTTP 500)`), 'HTTP 500'),
  408: unavailable,
  502: unavailable,
  503: unavailable,
  504: unavailable,
};

/** The error that an HTTP status other than 200 stands for. */
export function errorOfStatus(asked: Asked, http: HttpAnswer): Error {
  const { status } = http;
  const known = STATUSES[status];
  if (known !== undefined) return known(asked, http);
  if (status >= 300 && status < 400) return new TrytonMalformedError(asked.site, redirect(http));
  const error = new TrytonMalformedError(asked.site, `HTTP ${status}, ${words(asked, http)}.`);
  // A refusal is one by any of its numbers; all else says nothing of what was done.
  return status >= 400 && status < 500 ? error : unanswered(asked, error, `HTTP ${status}`);
}

function unauthorized({ site, kind }: Asked): Error {
  if (kind === 'login') return new TrytonAuthError(site);
  if (kind === 'call') return new TrytonSessionError(site);
  return new TrytonMalformedError(
    site,
    'HTTP 401: something in front of Tryton asks for a password of its own.',
  );
}

function notFound({ site, kind }: Asked): Error {
  if (kind !== 'root') return new TrytonDatabaseError(site);
  return new TrytonMalformedError(site, 'HTTP 404: no Tryton answers at the root of that address.');
}

function unavailable(asked: Asked, http: HttpAnswer): Error {
  const pause = retryAfterMs(http.header('retry-after'), Date.now());
  const error = new TrytonUnavailableError(asked.site, http.status, pause);
  return unanswered(asked, error, `HTTP ${http.status}`);
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

function words({ hide }: Asked, http: HttpAnswer): string {
  const shown = hide(pageWords(http.text)).slice(0, LONGEST_WORDS);
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

/** A page can be megabytes long. Its title and its first paragraph are near the start. */
const PAGE_CHARACTERS = 64 * 1024;

/** What an HTML page says: its first paragraph (werkzeug's description of an error), else its title; one line. */
export function pageWords(html: string): string {
  const start = html.slice(0, PAGE_CHARACTERS);
  const text = /<p>([^<]{1,2000})/i.exec(start)?.[1] ?? /<title[^<>]*>([^<]{1,2000})/i.exec(start)?.[1] ?? '';
  const plain = text.replaceAll(/&(?:lt|gt|quot|amp|#34|#39);/g, (entity) => ENTITIES[entity] ?? entity);
  return plain.trim().split(/[\r\n]/, 1)[0] ?? '';
}
