import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { onTestFinished } from 'vitest';

export interface Received {
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
  /** As the body says; '' and null where it is no call. */
  readonly id: unknown;
  readonly method: string;
  readonly params: readonly unknown[];
  /** Which connection it came by, from 1. */
  readonly connection: number;
}

/** The answer: a status and body, or any manual use of the response (or none: it hangs). */
export interface Scripted {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Buffer;
}
export type Script = (
  request: Received,
  response: ServerResponse,
  count: number,
) => Scripted | undefined | Promise<Scripted | undefined>;

/** A real HTTP server that answers by a script, and is closed with the test. Its database is `/tryton/`. */
export async function scriptedServer(script: Script) {
  const opened = await openScriptedServer(script);
  onTestFinished(opened.stop);
  return opened;
}

/** The same; the caller stops it. */
export async function openScriptedServer(script: Script) {
  const received: Received[] = [];
  const connections = new Map<unknown, number>();
  const server = createServer(async (incoming, response) => {
    const request = await read(incoming, connections.get(incoming.socket) ?? 0);
    received.push(request);
    const answer = await script(request, response, received.length);
    if (answer === undefined) return;
    response.writeHead(answer.status ?? 200, { 'content-type': 'application/json', ...answer.headers });
    response.end(answer.body ?? '');
  });
  server.on('connection', (socket) => connections.set(socket, connections.size + 1));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const stop = async () => {
    server.closeAllConnections();
    if (server.listening) await new Promise((resolve) => server.close(resolve));
  };
  const { port } = server.address() as AddressInfo;
  const origin = `http://127.0.0.1:${port}`;
  const methods = () => received.map(({ method }) => method);
  return { origin, url: `${origin}/tryton/`, received, methods, stop };
}

async function read(incoming: IncomingMessage, connection: number): Promise<Received> {
  const { url = '', headers } = incoming;
  const body = await text(incoming);
  const { id = null, method = '', params = [] } = body.startsWith('{') ? JSON.parse(body) : {};
  return { path: url, headers, body, id, method, params, connection };
}

export function result(request: Received, value: unknown): Scripted {
  return { body: JSON.stringify({ id: request.id, result: value }) };
}

export function failure(request: Received, ...error: readonly unknown[]): Scripted {
  return { body: JSON.stringify({ id: request.id, error }) };
}

/** Werkzeug's page for a status. */
export function page(status: number, words = 'Words'): Scripted {
  const body = `<!doctype html>\n<html lang=en>\n<title>${status} Title</title>\n<h1>Title</h1>\n<p>${words}</p>\n`;
  return { status, headers: { 'content-type': 'text/html; charset=utf-8' }, body };
}

/** Drops the connection without an answer. */
export function hangUp(response: ServerResponse): undefined {
  response.socket?.destroy();
}

/** The session key in an `Authorization` header: the third part of `login:uid:key`. */
export function keyOf(request: Received): string | undefined {
  const [, token = ''] = request.headers.authorization?.split(' ') ?? [];
  return Buffer.from(token, 'base64').toString().split(':')[2];
}

/** A well-behaved Tryton 7.0 whose sessions are `key-1`, `key-2`, ..., but for what `otherwise` answers to calls. */
export function tryton70(otherwise: Script): Script {
  let logins = 0;
  let calls = 0;
  return (request, response) => {
    if (request.method === 'common.server.version') return result(request, '7.0.30');
    if (request.method === 'common.db.login') return result(request, [7, `key-${++logins}`]);
    if (request.method === 'common.db.logout') return result(request, null);
    return otherwise(request, response, ++calls);
  };
}
