import type { Socket } from 'node:net';
import type { FastifyInstance } from 'fastify';
import { PasserelleError } from '../../shared/errors.ts';
import type { ApiSettings } from '../context.ts';
import { makeProblem, type Problem } from '../problem-details.ts';

const BODY_LIMIT_BYTES = 1024 * 1024;
/** Request line and headers together. */
const HEADERS_LIMIT_BYTES = 16 * 1024;
const URL_LIMIT_CHARACTERS = 8192;

/**
 * The URL is longer than proxies accept.
 *
 * @fix Send less in one request: fewer `fields`, filters or values of `in`.
 */
class UrlTooLongError extends PasserelleError {
  readonly code = 'url_too_long';
  constructor() {
    super(`The path with its query is longer than ${URL_LIMIT_CHARACTERS} characters; ask for less at once.`);
  }
}

/** Options of Fastify and Node against requests that are too large, too slow or not HTTP. */
export function serverLimits(settings: ApiSettings) {
  return {
    bodyLimit: BODY_LIMIT_BYTES,
    requestTimeout: settings.requestTimeoutMs,
    keepAliveTimeout: settings.keepAliveTimeoutMs,
    connectionTimeout: settings.stalledTimeoutMs,
    http: {
      maxHeaderSize: HEADERS_LIMIT_BYTES,
      headersTimeout: settings.headersTimeoutMs,
      connectionsCheckingInterval: settings.timeoutCheckMs,
    },
    clientErrorHandler: answerClientError,
  };
}

/** Answers UrlTooLongError before any other check. */
export function limitUrls(api: FastifyInstance): void {
  api.addHook('onRequest', (request, _reply, done) => {
    done(request.url.length > URL_LIMIT_CHARACTERS ? new UrlTooLongError() : undefined);
  });
}

function clientProblem(code: string | undefined): Problem {
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') {
    return makeProblem('request_timeout', 'The request took too long to arrive.');
  }
  if (code === 'HPE_HEADER_OVERFLOW') {
    return makeProblem('headers_too_large', `More than ${HEADERS_LIMIT_BYTES} bytes of headers.`);
  }
  return makeProblem('invalid_request', 'This is not an HTTP request.');
}

function answerClientError(error: Error & { readonly code?: string }, socket: Socket): void {
  // A broken connection cannot be answered, and one with a partial answer cannot get another.
  if (error.code === 'ECONNRESET' || socket.destroyed || !socket.writable || socket.bytesWritten > 0) {
    socket.destroy();
    return;
  }
  const problem = clientProblem(error.code);
  const body = JSON.stringify(problem);
  socket.end(
    `HTTP/1.1 ${problem.status} ${problem.title}\r\nContent-Type: application/problem+json\r\n` +
      `Content-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
    // A client that does not read the answer must not keep the socket.
    () => socket.destroy(),
  );
}

/** `__proto__` does not match, so that it is refused as an unknown parameter. */
const FILTER = /^filter\[(?!__proto__\])([^[\]]*)\](?:\[(?!__proto__\])([^[\]]*)\])?$/;
const INCLUDE_FIELDS = /^include_fields\[(?!__proto__\])([^[\]]*)\]$/;

/**
 * Reads a query string; `filter[field]=x` and `filter[field][op]=x` become `{ filter: { field: { op: x } } }`, with
 * `eq` where no operator is given. `include_fields[field]=x` becomes `{ include_fields: { field: x } }`. A key given
 * several times becomes a list.
 */
export function parseQueryString(text: string): Record<string, unknown> {
  const query: Record<string, unknown> = Object.create(null);
  for (const [key, value] of new URLSearchParams(text)) {
    const [, field, operator = 'eq'] = FILTER.exec(key) ?? [];
    const [, included] = INCLUDE_FIELDS.exec(key) ?? [];
    if (included !== undefined) add(child(query, 'include_fields'), included, value);
    else if (field === undefined) add(query, key, value);
    else add(child(child(query, 'filter'), field), operator, value);
  }
  return query;
}

function child(parent: Record<string, unknown>, key: string): Record<string, unknown> {
  const found = parent[key];
  if (typeof found === 'object' && found !== null && !Array.isArray(found)) {
    return found as Record<string, unknown>;
  }
  const made: Record<string, unknown> = Object.create(null);
  parent[key] = made;
  return made;
}

function add(target: Record<string, unknown>, key: string, value: string): void {
  const known = target[key];
  if (known === undefined) target[key] = value;
  else target[key] = Array.isArray(known) ? [...known, value] : [known, value];
}
