import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { userError } from '../errors.ts';
import type { Fault, Faults, SandboxCall } from '../faults.ts';
import { bytesOf, jsonText } from '../planted.ts';
import type { Backend } from './dispatch.ts';
import type { Exchange, HttpAnswer, HttpRequest } from './http.ts';
import { errorPage, html, notFound } from './http.ts';
import { json2 } from './json2.ts';
import { jsonNotFound, jsonrpc, webclientVersion } from './jsonrpc.ts';
import { xmlrpc } from './xmlrpc.ts';

/** The needs of the HTTP side. `note` receives every call, before it is answered. */
interface ServerParts {
  readonly backend: Backend;
  readonly faults: Faults;
  readonly now: () => Date;
  readonly headerNow: () => Date;
  readonly note: (call: SandboxCall) => void;
}

/** The HTTP server of the sandbox, not listening yet. */
export function createSandboxServer(parts: ServerParts): Server {
  return createServer((incoming, outgoing) => {
    serve(parts, incoming, outgoing).catch((error: unknown) => {
      outgoing.statusCode = 500;
      outgoing.end(`sandbox: ${error instanceof Error ? error.stack : error}`);
    });
  });
}

async function serve(parts: ServerParts, incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
  const request = await read(incoming);
  const exchange = route(parts, request);
  if (!('call' in exchange)) return send(parts, outgoing, exchange);
  parts.note(exchange.call);
  const fault = parts.faults.take(exchange.call);
  if (parts.faults.latencyMs > 0) await delay(parts.faults.latencyMs);
  if (fault === undefined) return send(parts, outgoing, exchange.answer());
  misbehave(parts, outgoing, exchange, fault);
}

async function read(incoming: IncomingMessage): Promise<HttpRequest> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(chunk);
  const path = new URL(incoming.url ?? '/', 'http://sandbox').pathname;
  const body = Buffer.concat(chunks).toString('utf8');
  return { verb: incoming.method ?? 'GET', path, headers: incoming.headers, body };
}

function route({ backend, now }: ServerParts, request: HttpRequest): Exchange | HttpAnswer {
  const { version } = backend.store;
  const { path } = request;
  if (/^\/xmlrpc\/2\/\w+$/.test(path)) return xmlrpc(backend, request, now());
  if (path === '/jsonrpc' && request.verb === 'POST') return jsonrpc(backend, request, now());
  if (path === '/web/webclient/version_info') return webclientVersion(backend, request);
  const isJson = String(request.headers['content-type'] ?? '').includes('json');
  if (version === '14.0') return isJson && request.verb === 'POST' ? jsonNotFound() : notFound(version);
  if (path === '/web/version' || path === '/json/version') return webVersion(version);
  if (path === '/json/2' || path.startsWith('/json/2/')) return json2(backend, request, now());
  return notFound(version);
}

function webVersion(version: string): HttpAnswer {
  const version_info = [Number.parseInt(version, 10), 0, 0, 'final', 0, ''];
  const type = 'application/json; charset=utf-8';
  return { status: 200, type, body: jsonText({ version_info, version }) };
}

function send({ headerNow }: ServerParts, outgoing: ServerResponse, answer: HttpAnswer): void {
  outgoing.sendDate = false;
  const body = bytesOf(answer.body);
  outgoing.writeHead(answer.status, {
    'content-type': answer.type,
    'content-length': body.length,
    date: headerNow().toUTCString(),
    ...answer.headers,
  });
  outgoing.end(body);
}

function misbehave(parts: ServerParts, outgoing: ServerResponse, exchange: Exchange, fault: Fault): void {
  if (fault === 'hang') return;
  if (fault === 'drop') {
    outgoing.destroy();
    return;
  }
  if (fault === 'user_error') {
    send(parts, outgoing, exchange.answer(userError('Le document est verrouillé par un autre utilisateur.')));
    return;
  }
  const page = faultPage(parts, fault);
  if (page) {
    send(parts, outgoing, page);
    return;
  }
  const whole = exchange.answer();
  const half = whole.body.slice(0, Math.floor(whole.body.length / 2));
  if (fault === 'malformed') {
    send(parts, outgoing, { ...whole, body: half });
    return;
  }
  outgoing.writeHead(200, { 'content-type': whole.type, 'content-length': Buffer.byteLength(whole.body) });
  outgoing.write(half, () => outgoing.destroy());
}

function faultPage({ backend }: ServerParts, fault: Fault): HttpAnswer | undefined {
  const proxy = (status: number, title: string) =>
    html(status, `<html>\r\n<head><title>${status} ${title}</title></head>\r\n<body></body>\r\n</html>\r\n`);
  switch (fault) {
    case 'error500':
      return errorPage(backend.store.version, 500, 'Internal Server Error', 'The server is overloaded.');
    case 'bad_gateway':
      return proxy(502, 'Bad Gateway');
    case 'unavailable':
      return proxy(503, 'Service Temporarily Unavailable');
    case 'too_many':
      return { ...proxy(429, 'Too Many Requests'), headers: { 'retry-after': '1' } };
    case 'html':
      return html(200, '<!DOCTYPE html>\n<html><head><title>Odoo</title></head><body>Log in</body></html>\n');
    default:
      return undefined;
  }
}
