import { errorFromServer } from './answer-errors.ts';
import type { TrytonError } from './errors.ts';
import { TrytonMalformedError } from './errors.ts';
import type { Asked } from './fate.ts';
import { unanswered } from './fate.ts';
import { errorOfStatus, LONGEST_WORDS, pageWords } from './statuses.ts';
import type { HttpAnswer } from './transport.ts';
import type { Answer, Wire } from './types.ts';
import { isList, isObject, parseWire } from './wire.ts';

/**
 * The result in an answer: `{"id", "result"}`, or anything unwrapped, as Tryton answers where something on the way has
 * added a key to the request (5.0 to 7.0).
 *
 * Throws the error that the server reports in `{"id", "error"}`, the one that its HTTP status stands for, or
 * TrytonMalformedError; TrytonUnknownFateError where a write got no answer from Tryton itself.
 */
export function readAnswer(asked: Asked, http: HttpAnswer): Answer {
  const body = parsed(http.text);
  const errorBody = body !== undefined && isObject(body) && body['id'] === asked.id && body['error'];
  if (errorBody && isList(errorBody) && !SESSION_STATUSES.includes(http.status))
    throw errorFromServer(asked, errorBody);
  if (http.status !== 200) throw errorOfStatus(asked, http);
  if (body === undefined) throw malformed(asked, `${whatItIs(asked, http)}.`);
  const result = unwrapped(asked, body);
  return { result, cacheSeconds: seconds(http.header('x-tryton-cache')) };
}

/** Statuses that count whatever the body says. */
const SESSION_STATUSES: readonly number[] = [401, 403, 429];

function parsed(text: string): Wire | undefined {
  try {
    return parseWire(text);
  } catch {
    return undefined;
  }
}

function unwrapped(asked: Asked, body: Wire): Wire {
  if (!isObject(body) || !['id', 'result', 'error'].some((key) => Object.hasOwn(body, key))) return body;
  const { id, result, error = null } = body;
  if (id !== asked.id) throw malformed(asked, 'it belongs to another request (its id differs).');
  if (error !== null) throw errorFromServer(asked, isList(error) ? error : [error]);
  if (result === undefined) throw malformed(asked, 'it has neither result nor error.');
  return result;
}

function malformed(asked: Asked, reason: string): TrytonError {
  return unanswered(asked, new TrytonMalformedError(asked.site, reason), reason);
}

function whatItIs({ hide }: Asked, http: HttpAnswer): string {
  if (http.text.trim() === '') return 'an empty body';
  const html = /html/i.test(http.header('content-type') ?? '') || /^\s*<(!doctype|html)/i.test(http.text);
  if (html)
    return `a web page (${JSON.stringify(hide(pageWords(http.text)).slice(0, LONGEST_WORDS))}), not from Tryton`;
  return 'it is not complete JSON';
}

/** `X-Tryton-Cache`, in whole seconds. */
function seconds(header: string | undefined): number | null {
  return header !== undefined && /^\d{1,9}$/.test(header.trim()) ? Number(header) : null;
}
