import { errorCode } from '../../shared/errors.ts';
import { createRedactor } from '../../shared/redact.ts';
import { TrytonRequestError } from '../errors.ts';
import type { HttpAnswer, RequestDetails, RpcRequest, SendRpc, Session, TrytonLogger } from '../types.ts';
import { stringifyWire } from '../wire/json.ts';
import { readAnswer } from './response.ts';
import type { Transport } from './transport.ts';

interface RpcParts {
  readonly address: Address;
  readonly transport: Transport;
  readonly password: string;
  readonly log: TrytonLogger;
}

/** Sends requests in Tryton's JSON-RPC. Its log lines contain neither parameters nor results. */
export function createRpcSender({ address, transport, password, log }: RpcParts): SendRpc {
  let lastId = 0;
  return async (request) => {
    const { method, kind, write, session, attempt, timeoutMs, until, signal } = request;
    const id = ++lastId;
    const token = session && tokenOf(session);
    const hide = createRedactor([password, session?.key ?? '', token ?? '']);
    const details: RequestDetails = { site: { server: address.server, method }, write, id, kind, hide };
    const start = performance.now();
    const report = (status: number | null, code?: string) =>
      log.debug({ method, attempt, ms: Math.round(performance.now() - start), status, code }, 'Tryton call');
    let answer: HttpAnswer | null = null;
    try {
      answer = await transport.send({
        ...details,
        path: kind === 'root' ? address.rootPath : address.path,
        body: bodyOf(id, request),
        authorization: token && `Session ${token}`,
        timeoutMs,
        until,
        urgent: kind === 'login',
        signal,
      });
      const result = readAnswer(details, answer);
      report(answer.status);
      return result;
    } catch (error) {
      report(answer?.status ?? null, errorCode(error));
      throw error;
    }
  };
}

/** Exactly these three keys. With another key, Tryton answers without the envelope. */
function bodyOf(id: number, { method, params }: RpcRequest): string {
  try {
    return stringifyWire({ id, method, params });
  } catch {
    throw new TrytonRequestError(`The parameters of ${method} cannot be written as JSON.`);
  }
}

function tokenOf({ login, userId, key }: Session): string {
  return Buffer.from(`${login}:${userId}:${key}`).toString('base64');
}

/** The address of a database. */
export interface Address {
  /** `https://erp.example` */
  readonly origin: string;
  /** Path of the database: `/tryton/`. */
  readonly path: string;
  /** Path of the server, which reports its version without a session: `/`. */
  readonly rootPath: string;
  /** The whole address, without user and password: `https://erp.example/tryton/`. */
  readonly server: string;
}

/** Parses the URL of a database. Throws TrytonRequestError if it is not one; the message does not quote it. */
export function addressOf(url: string): Address {
  const { protocol, origin, pathname } = parsed(url);
  const path = `${pathname.replace(/\/+$/, '')}/`;
  if (!/^https?:$/.test(protocol) || path === '/') throw notAnAddress();
  return { origin, path, rootPath: path.replace(/[^/]+\/$/, ''), server: origin + path };
}

function parsed(url: string): URL {
  if (!URL.canParse(url)) throw notAnAddress();
  return new URL(url);
}

function notAnAddress(): TrytonRequestError {
  return new TrytonRequestError(
    'The URL of a Tryton client has to be that of the database, such as https://tryton.example/tryton/.',
  );
}
