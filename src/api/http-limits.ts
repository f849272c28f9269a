import type { Socket } from 'node:net';
import type { FastifyInstance } from 'fastify';
import { PasserelleError } from '../errors.ts';
import type { Problem } from './problem.ts';
import { makeProblem } from './problem.ts';
import type { ApiSettings } from './settings.ts';

const BODY_LIMIT_BYTES = 1024 * 1024;
/** Request line and headers together. */
const HEADERS_LIMIT_BYTES = 16 * 1024;
const URL_LIMIT_CHARACTERS = 8192;

/** A path with its query that no proxy on the way could be trusted to pass on. */
export class UrlTooLongError extends PasserelleError {
  override readonly name = 'UrlTooLongError';
  readonly code = 'url_too_long';
  constructor() {
    super(`The path with its query is longer than ${URL_LIMIT_CHARACTERS} characters; ask for less at once.`);
  }
}

/** What Fastify and Node are given against requests that are too large, too slow, or no HTTP. */
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

/** @throws UrlTooLongError, before anything is looked up. */
export function limitUrls(api: FastifyInstance): void {
  api.addHook('onRequest', (request, _reply, done) => {
    done(request.url.length > URL_LIMIT_CHARACTERS ? new UrlTooLongError() : undefined);
  });
}

/** Requests that never reached a route. */
function clientProblem(code: string | undefined): Problem {
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') {
    return makeProblem('request_timeout', 'The request took too long to arrive.');
  }
  if (code === 'HPE_HEADER_OVERFLOW') {
    return makeProblem('headers_too_large', `More than ${HEADERS_LIMIT_BYTES} bytes of headers.`);
  }
  return makeProblem('invalid_request', 'This is no HTTP request.');
}

function answerClientError(error: Error & { readonly code?: string }, socket: Socket): void {
  // A connection that broke has nobody to answer; one that was answered in part cannot be answered anew.
  if (error.code === 'ECONNRESET' || socket.destroyed || !socket.writable || socket.bytesWritten > 0) {
    socket.destroy();
    return;
  }
  const problem = clientProblem(error.code);
  const body = JSON.stringify(problem);
  socket.end(
    `HTTP/1.1 ${problem.status} ${problem.title}\r\nContent-Type: application/problem+json\r\n` +
      `Content-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
    // Who does not read the answer does not keep the socket either.
    () => socket.destroy(),
  );
}
