import { request } from 'node:http';

/** A running Tryton with the module party; the suite leaves no record of its own behind. */
export interface TrytonCoordinates {
  /** The database's own URL. */
  readonly url: string;
  readonly user: string;
  readonly password: string;
}

/** Asked when tests run, so that a server may be started by a hook. */
export type Subject = () => TrytonCoordinates;

export interface Reply {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
}

export interface AskOptions {
  /** From `signIn`. */
  readonly session?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Further keys of the body. */
  readonly extra?: object;
  readonly body?: string | Buffer;
}

/** One raw call, as a client without any cleverness sends it. */
export async function ask(
  url: string,
  method: string,
  params: readonly unknown[],
  { session, headers, extra, body }: AskOptions = {},
): Promise<Reply> {
  const response = await fetch(url, {
    method: 'POST',
    redirect: 'manual',
    headers: {
      'content-type': 'application/json',
      ...(session !== undefined && { authorization: `Session ${session}` }),
      ...headers,
    },
    body: body ?? JSON.stringify({ id: 7, method, params, ...extra }),
  });
  return { status: response.status, headers: response.headers, text: await response.text() };
}

/** The same, for its result. */
export async function result(
  url: string,
  method: string,
  params: readonly unknown[],
  options: AskOptions = {},
): Promise<unknown> {
  const { status, text } = await ask(url, method, params, options);
  const answer: unknown = JSON.parse(text);
  if (status === 200 && Object(answer).error === undefined) return Object(answer).result;
  throw new Error(`${method}: HTTP ${status} ${text.slice(0, 300)}`);
}

/** The error array of an answer. */
export async function errorOf(
  url: string,
  method: string,
  params: readonly unknown[],
  options: AskOptions = {},
): Promise<readonly unknown[]> {
  const reply = await ask(url, method, params, options);
  const { error } = Object(JSON.parse(reply.text));
  if (reply.status === 200 && Array.isArray(error)) return error;
  throw new Error(`${method} was expected to fail, but answered ${reply.status} ${reply.text.slice(0, 300)}`);
}

export interface OwnSession {
  readonly userId: number;
  readonly key: string;
  /** The value of the header. */
  readonly token: string;
}

export async function signIn({ url, user, password }: TrytonCoordinates): Promise<OwnSession> {
  const given = await result(url, 'common.db.login', [user, { password }, 'en']);
  const [userId, key] = Array.isArray(given) ? given : [];
  const token = Buffer.from(`${user}:${userId}:${key}`).toString('base64');
  return { userId: Number(userId), key: String(key), token };
}

export const signOut = (url: string, { token }: OwnSession): Promise<Reply> =>
  ask(url, 'common.db.logout', [], { session: token });

/** `7.0`, of the server behind a database's URL. */
export async function seriesOf(url: string): Promise<string> {
  const version = await result(new URL('/', url).href, 'common.server.version', []);
  return String(version).split('.').slice(0, 2).join('.');
}

/** Sends headers and no body: what `fetch` does not let one do. */
export function knock(url: string, headers: Readonly<Record<string, string>>): Promise<number> {
  return new Promise((resolve, reject) => {
    const knocking = request(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
    });
    knocking.on('response', (response) => {
      resolve(response.statusCode ?? 0);
      knocking.destroy();
    });
    knocking.on('error', reject);
    if (headers['transfer-encoding'] === 'chunked') knocking.end('{}');
    else knocking.flushHeaders();
  });
}

/** The context of a block of the suite; valid within its tests. */
export interface Visit {
  readonly url: string;
  readonly user: string;
  readonly password: string;
  /** `7.0` */
  readonly series: string;
  readonly isOld: boolean;
  readonly session: OwnSession;
}
