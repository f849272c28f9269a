import { errorCode } from '../../shared/errors.ts';
import { createRedactor } from '../../shared/redact.ts';
import { TrytonRequestError } from '../errors.ts';
import type { Ask, Asked, HttpAnswer, Question, Session, TrytonLogger } from '../types.ts';
import { stringifyWire } from '../wire/json.ts';
import { readAnswer } from './response.ts';
import type { Transport } from './transport.ts';

interface RpcParts {
  readonly address: Address;
  readonly transport: Transport;
  readonly password: string;
  readonly log: TrytonLogger;
}

/** Asks in Tryton's JSON-RPC. Its log lines hold neither parameters nor results. */
export function createAsk({ address, transport, password, log }: RpcParts): Ask {
  let lastId = 0;
  return async (question) => {
    const { method, kind, write, session, attempt, timeoutMs, until, signal } = question;
    const id = ++lastId;
    const token = session && tokenOf(session);
    const hide = createRedactor([password, session?.key ?? '', token ?? '']);
    const asked: Asked = { site: { server: address.server, method }, write, id, kind, hide };
    const start = performance.now();
    const tell = (status: number | null, code?: string) =>
      log.debug({ method, attempt, ms: Math.round(performance.now() - start), status, code }, 'Tryton call');
    let answer: HttpAnswer | null = null;
    try {
      answer = await transport.send({
        ...asked,
        path: kind === 'root' ? address.rootPath : address.path,
        body: bodyOf(id, question),
        authorization: token && `Session ${token}`,
        timeoutMs,
        until,
        urgent: kind === 'login',
        signal,
      });
      const result = readAnswer(asked, answer);
      tell(answer.status);
      return result;
    } catch (error) {
      tell(answer?.status ?? null, errorCode(error));
      throw error;
    }
  };
}

/** Exactly these three keys: one more, and Tryton answers without the envelope. */
function bodyOf(id: number, { method, params }: Question): string {
  try {
    return stringifyWire({ id, method, params });
  } catch {
    throw new TrytonRequestError(`The parameters of ${method} cannot be written as JSON.`);
  }
}

function tokenOf({ login, userId, key }: Session): string {
  return Buffer.from(`${login}:${userId}:${key}`).toString('base64');
}

/** Where a database is. */
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
