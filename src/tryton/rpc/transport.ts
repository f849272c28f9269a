import type { IncomingHttpHeaders } from 'node:http';
import { promisify } from 'node:util';
import { brotliDecompress, gunzip, inflate } from 'node:zlib';
import { type Dispatcher, errors, Pool } from 'undici';
import { errorCode, errorMessage } from '../../shared/errors.ts';
import { onAbort } from '../../shared/retry.ts';
import { Semaphore } from '../../shared/semaphore.ts';
import {
  TrytonAnswerTooLargeError,
  type TrytonError,
  TrytonMalformedError,
  TrytonNoRoomError,
  TrytonRequestError,
  TrytonTimeoutError,
  TrytonUnreachableError,
} from '../errors.ts';
import type { HttpAnswer, RequestSite } from '../types.ts';
import { toUnknownOutcome } from './response.ts';

interface RawAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

/** The answer has more bytes than allowed. */
class TooLong extends Error {
  override readonly name = 'TooLong';
}

/** Other answers left no memory for this one. */
class NoRoom extends Error {
  override readonly name = 'NoRoom';
}

/** The reason for undici when we abort an exchange; it is not reported further. */
class Cut extends Error {
  override readonly name = 'Cut';
}

/** A smaller answer reserves no memory: connections are few, and the result of a write must not be lost. */
const SMALL_BYTES = 64 * 1024;

interface Settle {
  resolve(answer: RawAnswer): void;
  reject(reason: unknown): void;
}

/**
 * One request and its answer, as a handler of undici. Unlike `pool.request` it knows whether the request was given to a
 * connection. It can be aborted at any time, also while it waits for a connection (undici checks an abort signal only
 * after that).
 *
 * A large answer reserves memory for all of it before the rest is read, and pauses the connection until it gets it. So
 * two answers never wait for each other. Call `release` when the answer is not needed any more.
 */
class Exchange implements Dispatcher.DispatchHandler {
  /** False: it is certain that nothing has reached the server. */
  sent = false;
  readonly answer: Promise<RawAnswer>;
  readonly #limits: Pick<TransportLimits, 'maxAnswerBytes' | 'room'>;
  readonly #settle: Settle;
  readonly #chunks: Buffer[] = [];
  #bytes = 0;
  #status = 0;
  #headers: IncomingHttpHeaders = {};
  #controller: Dispatcher.DispatchController | null = null;
  #cut = false;
  #room: 'unasked' | 'waiting' | 'reserved' = 'unasked';
  readonly #over = new AbortController();
  #giveBack = () => {};

  constructor(limits: Pick<TransportLimits, 'maxAnswerBytes' | 'room'>) {
    this.#limits = limits;
    let settle: Settle = { resolve: () => {}, reject: () => {} };
    this.answer = new Promise((resolve, reject) => {
      settle = { resolve, reject };
    });
    this.#settle = settle;
  }

  /** Rejects `answer` with the reason. Closes the connection, or takes none. */
  cut(reason: unknown): void {
    this.#cut = true;
    this.#settle.reject(reason);
    this.#controller?.abort(new Cut());
  }

  /** Ends it because the time is over. */
  expire(): void {
    this.cut(this.#room === 'waiting' ? new NoRoom() : new Late());
  }

  /** Gives the reserved memory back. */
  release(): void {
    this.#over.abort();
    this.#giveBack();
    this.#giveBack = () => {};
  }

  /** Right before the first byte is written. */
  onRequestStart(controller: Dispatcher.DispatchController): void {
    if (this.#cut) {
      controller.abort(new Cut());
    } else {
      this.sent = true;
      this.#controller = controller;
    }
  }

  onResponseStart(_: Dispatcher.DispatchController, status: number, headers: IncomingHttpHeaders): void {
    this.#status = status;
    this.#headers = headers;
    if ((announcedBytes(headers) ?? 0) > this.#limits.maxAnswerBytes) this.cut(new TooLong());
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#bytes += chunk.length;
    if (this.#bytes > this.#limits.maxAnswerBytes) {
      this.cut(new TooLong());
      return;
    }
    this.#chunks.push(chunk);
    if (this.#bytes > SMALL_BYTES && this.#room === 'unasked') this.#reserve(controller);
  }

  onResponseEnd(): void {
    const { resolve } = this.#settle;
    resolve({ status: this.#status, headers: this.#headers, body: Buffer.concat(this.#chunks) });
  }

  onResponseError(_: Dispatcher.DispatchController, error: Error): void {
    this.#settle.reject(error);
  }

  #reserve(controller: Dispatcher.DispatchController): void {
    const { room, maxAnswerBytes } = this.#limits;
    const bytes = announcedBytes(this.#headers) ?? maxAnswerBytes;
    const release = room.tryAcquire(bytes);
    this.#room = release === null ? 'waiting' : 'reserved';
    if (release !== null) {
      this.#giveBack = release;
      return;
    }
    controller.pause();
    room.acquire(bytes, { ms: LONGEST_WAIT_MS, late: () => new NoRoom(), signal: this.#over.signal }).then(
      (giveBack) => {
        this.#room = 'reserved';
        this.#giveBack = giveBack;
        if (this.#over.signal.aborted) this.release();
        else controller.resume();
      },
      (error: unknown) => this.cut(error),
    );
  }
}

/** The exchange expires before. */
const LONGEST_WAIT_MS = 2 ** 31 - 1;

/** The size of the answer in memory; null if it is not known before its end. */
function announcedBytes(headers: IncomingHttpHeaders): number | null {
  const { 'content-length': length, 'content-encoding': encoding = 'identity' } = headers;
  return encoding === 'identity' && /^\d{1,15}$/.test(length ?? '') ? Number(length) : null;
}

/** Decoders for each `Content-Encoding`. Each stops at `maxOutputLength`, which limits the cost of a compression bomb. */
const DECODERS = {
  gzip: promisify(gunzip),
  'x-gzip': promisify(gunzip),
  deflate: promisify(inflate),
  br: promisify(brotliDecompress),
} as const;

const UTF8 = new TextDecoder('utf-8', { fatal: true });

const ENCODINGS = 'gzip, deflate, br';

/** The bytes of the answer do not match its headers; the message says how. */
class BrokenBody extends Error {
  override readonly name = 'BrokenBody';
}

/** The text of an answer, decompressed to at most `longest` bytes. Throws TooLong and BrokenBody. */
async function bodyText(body: Buffer, encoding: string | undefined, longest: number): Promise<string> {
  const plain = await decompressed(body, (encoding ?? 'identity').trim().toLowerCase(), longest);
  try {
    return UTF8.decode(plain);
  } catch {
    throw new BrokenBody('it is not UTF-8');
  }
}

async function decompressed(body: Buffer, encoding: string, longest: number): Promise<Buffer> {
  if (encoding === 'identity' || encoding === '') return body;
  if (!isKnown(encoding)) throw new BrokenBody(`its Content-Encoding ${encoding.slice(0, 40)} is unknown`);
  try {
    return await DECODERS[encoding](body, { maxOutputLength: longest });
  } catch (error) {
    const code = errorCode(error);
    throw code === 'ERR_BUFFER_TOO_LARGE'
      ? new TooLong()
      : new BrokenBody(`its ${encoding} is damaged (${code})`);
  }
}

function isKnown(encoding: string): encoding is keyof typeof DECODERS {
  return Object.hasOwn(DECODERS, encoding);
}

export interface HttpRequest extends RequestSite {
  /** From the root of the host: `/tryton/`. */
  readonly path: string;
  readonly body: string;
  readonly authorization?: string | undefined;
  /** Bounds the exchange: connecting, headers, body. */
  readonly timeoutMs: number;
  /** In the time of `performance.now()`. Limits the wait for a connection, too. */
  readonly until: number;
  /** Does not wait behind other calls, because they may all wait for it: a login. */
  readonly urgent?: boolean;
  readonly signal?: AbortSignal | undefined;
}

export interface TransportLimits {
  readonly connections: number;
  readonly connectTimeoutMs: number;
  readonly maxAnswerBytes: number;
  /** The bytes that all answers may take. */
  readonly room: Semaphore;
}

export interface Transport {
  send(request: HttpRequest): Promise<HttpAnswer>;
  close(): Promise<void>;
}

/**
 * HTTP to one server, `origin` without credentials. Redirects are never followed.
 *
 * Throws the signal's reason when it is aborted, and otherwise TrytonUnreachableError, TrytonTimeoutError (for a write
 * both mean that it was certainly not sent), TrytonMalformedError, TrytonAnswerTooLargeError, TrytonNoRoomError,
 * TrytonUnknownFateError and, once closed, TrytonRequestError.
 */
export function createTransport(origin: string, limits: TransportLimits): Transport {
  const common = {
    connections: limits.connections,
    connect: { timeout: limits.connectTimeoutMs },
    // Instead, one limit covers each exchange.
    headersTimeout: 0,
    bodyTimeout: 0,
  };
  const kept = laneOf(new Pool(origin, common), limits);
  // A write uses a new connection: on a kept-alive one, which the server may be closing at this moment, delivery would
  // be uncertain.
  const own = laneOf(new Pool(origin, { ...common, pipelining: 0 }), limits);
  const urgent = laneOf(new Pool(origin, { ...common, pipelining: 0 }), limits);
  const lanes = [kept, own, urgent];
  const running = new Set<Promise<HttpAnswer>>();
  let closing: Promise<unknown> | undefined;
  return {
    async send(request) {
      if (closing !== undefined) throw closed(request);
      const ordinary = request.write ? own : kept;
      const answer = sent(request.urgent ? urgent : ordinary, request, limits);
      running.add(answer);
      return answer.finally(() => running.delete(answer));
    },
    async close() {
      closing ??= Promise.allSettled(running).then(() => Promise.all(lanes.map(({ pool }) => pool.close())));
      await closing;
    },
  };
}

/** The connections, and the queue of calls that wait for one. */
interface Lane {
  readonly pool: Pool;
  readonly places: Semaphore;
}

function laneOf(pool: Pool, { connections }: TransportLimits): Lane {
  return { pool, places: new Semaphore(connections) };
}

async function sent(lane: Lane, request: HttpRequest, limits: TransportLimits): Promise<HttpAnswer> {
  const exchange = new Exchange(limits);
  try {
    const raw = await inTurn(lane, request, exchange);
    const header = (name: string) => [raw.headers[name]].flat()[0];
    const text = await bodyText(raw.body, header('content-encoding'), limits.maxAnswerBytes).catch(
      (error: unknown) => {
        // The page of a proxy in an unknown character set: the status is enough.
        if (raw.status !== 200 && error instanceof BrokenBody) return raw.body.toString('latin1');
        throw error;
      },
    );
    return { status: raw.status, header, text };
  } catch (error) {
    if (request.signal?.aborted === true && error === request.signal.reason) throw error;
    throw named(error, request, exchange.sent, limits);
  } finally {
    exchange.release();
  }
}

/** The request did not end in time. */
class Late extends Error {
  override readonly name = 'Late';
}

/** The wait for a connection is not the fault of the server. It counts for the deadline, not for the timeout. */
async function inTurn({ pool, places }: Lane, request: HttpRequest, exchange: Exchange): Promise<RawAnswer> {
  const { signal, until } = request;
  signal?.throwIfAborted();
  const limits = { ms: until - performance.now(), late: () => new Late(), signal };
  return places.run(1, () => exchanged(pool, request, exchange), limits);
}

async function exchanged(pool: Pool, request: HttpRequest, exchange: Exchange): Promise<RawAnswer> {
  const { signal, timeoutMs, until, path, body } = request;
  const ms = Math.max(1, Math.ceil(Math.min(timeoutMs, until - performance.now())));
  const timer = setTimeout(() => exchange.expire(), ms);
  const release = onAbort(signal, () => exchange.cut(signal?.reason));
  try {
    pool.dispatch({ method: 'POST', path, headers: headersOf(request), body }, exchange);
    return await exchange.answer;
  } finally {
    clearTimeout(timer);
    release();
  }
}

function headersOf({ authorization }: HttpRequest): Record<string, string> {
  return {
    'content-type': 'application/json',
    accept: 'application/json',
    'accept-encoding': ENCODINGS,
    'user-agent': 'passerelle',
    // Without this, a 401 has WWW-Authenticate, and browsers and some proxies ask for a password.
    'x-requested-with': 'XMLHttpRequest',
    ...(authorization === undefined ? {} : { authorization }),
  };
}

function closed({ site }: HttpRequest): TrytonRequestError {
  return new TrytonRequestError(`This Tryton client is closed; ${site.method} was not sent.`);
}

function named(error: unknown, request: HttpRequest, sent: boolean, limits: TransportLimits): Error {
  const [failure, reason] = described(error, request, limits);
  return sent ? toUnknownOutcome(request, failure, reason) : failure;
}

function described(error: unknown, request: HttpRequest, limits: TransportLimits): [TrytonError, string] {
  const { site, timeoutMs } = request;
  if (error instanceof Late) return [new TrytonTimeoutError(site, timeoutMs), `none within ${timeoutMs} ms`];
  if (error instanceof TooLong) {
    const { maxAnswerBytes } = limits;
    return [new TrytonAnswerTooLargeError(site, maxAnswerBytes), `it has more than ${maxAnswerBytes} bytes`];
  }
  if (error instanceof NoRoom) return [new TrytonNoRoomError(site), 'no memory was free for it'];
  const broken = brokenAnswer(error);
  // No cause: the error of a parser contains the bytes that it could not read, and those may contain a session key.
  if (broken !== undefined) return [new TrytonMalformedError(site, broken), broken];
  const reason = connectionFailure(error, limits);
  return [new TrytonUnreachableError(site, reason, { cause: error }), reason];
}

function brokenAnswer(error: unknown): string | undefined {
  if (error instanceof BrokenBody) return error.message;
  if (error instanceof errors.HTTPParserError) return 'it is not HTTP';
  if (error instanceof errors.HeadersOverflowError) return 'its headers are too long';
  return undefined;
}

function connectionFailure(error: unknown, { connectTimeoutMs }: TransportLimits): string {
  if (error instanceof errors.ConnectTimeoutError) return `not connected within ${connectTimeoutMs} ms`;
  const code = errorCode(error);
  if (code === 'unexpected' || code.startsWith('UND_')) return errorMessage(error);
  // Messages of OpenSSL end in a new line.
  return isTls(code) ? `TLS: ${code}, ${errorMessage(error).trimEnd()}` : code;
}

/** Certificate errors of OpenSSL and of Node, and a server that does not speak TLS at all. */
function isTls(code: string): boolean {
  return /^(ERR_TLS|ERR_SSL|EPROTO|CERT_|UNABLE_TO_|DEPTH_ZERO_|SELF_SIGNED_|HOSTNAME_|CRL_)/.test(code);
}
