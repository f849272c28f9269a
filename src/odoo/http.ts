import { type Dispatcher, errors, Pool } from 'undici';
import { errorCode, errorMessage } from '../shared/errors.ts';
import { retryAfterMs } from '../shared/retry.ts';
import { utf8Text, withoutMark } from './decoding/text.ts';
import {
  type CallSite,
  OdooAnswerTooLargeError,
  OdooEndpointError,
  OdooMalformedError,
  OdooTimeoutError,
  OdooUnavailableError,
  OdooUnreachableError,
} from './errors.ts';

export interface HttpRequest {
  readonly site: CallSite;
  readonly method: 'GET' | 'POST';
  /** Below ODOO_URL, for example `/jsonrpc`. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

export interface HttpAnswer {
  readonly status: number;
  /** The bytes of the body. */
  readonly bytes: Buffer;
  /** The body as text, decoded at the first access. */
  readonly body: string;
  readonly contentType: string;
  /** The `Date` header as received. */
  readonly date: string | undefined;
}

export interface Http {
  send(request: HttpRequest): Promise<HttpAnswer>;
  close(): Promise<void>;
}

/** Statuses that mean "later": Too Many Requests, Bad Gateway, Service Unavailable, Gateway Timeout. */
const UNAVAILABLE = [429, 502, 503, 504];

interface HttpLimits {
  /** Limit of the whole exchange: connecting, headers, body. */
  readonly timeoutMs: number;
  readonly connections: number;
  /** A longer answer is an error. */
  readonly maxAnswerBytes: number;
}

/**
 * HTTP to one server over kept-alive connections. Answers are not decompressed, and none is requested compressed.
 *
 * Throws OdooUnreachableError, OdooTimeoutError, OdooAnswerTooLargeError, OdooUnavailableError (429, 502, 503, 504) and
 * OdooEndpointError (redirects; 404 pages that are not Odoo's own error). Other statuses are left to the protocol.
 */
export function createHttp(url: string, { timeoutMs, connections, maxAnswerBytes }: HttpLimits): Http {
  const base = new URL(url);
  const prefix = base.pathname.replace(/\/+$/, '');
  // The signal below limits the whole call, so the partial limits of the pool are off or not shorter.
  const limits = { headersTimeout: 0, bodyTimeout: 0, connect: { timeout: timeoutMs + 1000 } };
  const pool = new Pool(base.origin, { connections, ...limits });
  const exchange = async (request: HttpRequest): Promise<HttpAnswer> => {
    const answer = await pool.request({
      method: request.method,
      path: prefix + request.path,
      headers: { 'user-agent': 'passerelle', ...request.headers },
      body: request.body ?? null,
      signal: AbortSignal.timeout(timeoutMs),
    });
    const header = (name: string) => [answer.headers[name]].flat()[0];
    const bytes = await bytesOf(request.site, answer, maxAnswerBytes);
    refuseUnusable(request, answer.statusCode, header);
    let text: string | undefined;
    return {
      status: answer.statusCode,
      bytes,
      get body() {
        text ??= utf8Text(withoutMark(bytes));
        return text;
      },
      contentType: header('content-type') ?? '',
      date: header('date'),
    };
  };
  return {
    send: (request) =>
      exchange(request).catch((error) => Promise.reject(named(error, request.site, timeoutMs))),
    close: () => pool.close(),
  };
}

/** The body. @throws OdooAnswerTooLargeError as soon as it is known to be too long; closes the connection. */
async function bytesOf(
  site: CallSite,
  { headers, body }: Dispatcher.ResponseData,
  maxBytes: number,
): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = Number(headers['content-length'] ?? 0);
  if (bytes <= maxBytes) {
    bytes = 0;
    for await (const chunk of body) {
      bytes += chunk.length;
      if (bytes > maxBytes) break;
      chunks.push(chunk);
    }
  }
  if (bytes <= maxBytes) return Buffer.concat(chunks);
  // Destroyed without a listener, it would throw.
  body.on('error', () => {}).destroy();
  throw new OdooAnswerTooLargeError(site, maxBytes);
}

function refuseUnusable(request: HttpRequest, status: number, header: (name: string) => string | undefined) {
  if (UNAVAILABLE.includes(status))
    throw new OdooUnavailableError(request.site, status, retryAfterMs(header('retry-after'), Date.now()));
  if (status >= 300 && status < 400)
    throw new OdooEndpointError(request.site, status, request.path, header('location') ?? 'nowhere');
}

const OWN = [OdooUnavailableError, OdooEndpointError, OdooAnswerTooLargeError];

function named(error: unknown, site: CallSite, timeoutMs: number): unknown {
  if (OWN.some((known) => error instanceof known)) return error;
  const timedOut = error instanceof DOMException && error.name === 'TimeoutError';
  if (timedOut || error instanceof errors.ConnectTimeoutError)
    return new OdooTimeoutError(site, timeoutMs, { cause: error });
  const code = errorCode(error);
  const reason = code === 'unexpected' || code.startsWith('UND_') ? errorMessage(error) : code;
  return new OdooUnreachableError(site, reason, { cause: error });
}

/** A page can have megabytes. Its title is near the start. */
const PAGE_CHARACTERS = 64 * 1024;

/** The error for an answer that is not of the protocol: 404, a web page, an empty body, or other content. */
export function notTheProtocol(
  request: HttpRequest,
  answer: HttpAnswer,
  reason: string,
): OdooEndpointError | OdooMalformedError {
  if (answer.status === 404) return new OdooEndpointError(request.site, 404, request.path, undefined);
  const status = `HTTP ${answer.status}`;
  if (answer.body.trim() === '') return new OdooMalformedError(request.site, `${status} with an empty body.`);
  if (!/html/i.test(answer.contentType) && !/^\s*<(!doctype|html)/i.test(answer.body))
    return new OdooMalformedError(request.site, `${status}, ${reason}.`);
  const title =
    /<title[^<>]*>\s*([^<]{0,120})/i.exec(answer.body.slice(0, PAGE_CHARACTERS))?.[1]?.trim() ?? 'untitled';
  return new OdooMalformedError(
    request.site,
    `${status} with a web page ("${title}"): something in front of Odoo answers in its place. Check ODOO_URL.`,
  );
}
