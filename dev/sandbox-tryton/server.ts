import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import type { Fault, Faults, SandboxCall } from './faults.ts';
import { type HttpAnswer, page, redirect, SERVERS } from './pages.ts';
import { answer, authorizationOf, type Backend, type HttpRequest, headerOf, parsedBody } from './protocol.ts';
import { isDictionary } from './values.ts';

/** The needs of the HTTP side. */
interface ServerParts {
  readonly backend: Backend;
  readonly faults: Faults;
  /** The present settings: tests change them while the server runs. */
  readonly settings: () => { latencyMs: number; loginDelayMs: number; keepAlive: boolean; gzip: boolean };
  readonly now: () => Date;
  /** Receives every call, before it is answered. */
  readonly note: (call: SandboxCall) => void;
}

/** The limits of a body without a session, and of one with it, in bytes. */
const MOST_BYTES = 2 * 1024 * 1024;
const MOST_BYTES_SIGNED_IN = 2 * 1024 * 1024 * 1024;

/** The HTTP server of the sandbox, not listening yet. */
export function createSandboxServer(parts: ServerParts): Server {
  return createServer((incoming, outgoing) => {
    serve(parts, incoming, outgoing).catch((error: unknown) => {
      if (outgoing.headersSent) outgoing.destroy();
      outgoing.statusCode = 500;
      outgoing.end(`sandbox: ${error instanceof Error ? error.stack : error}`);
    });
  });
}

async function serve(parts: ServerParts, incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
  const refused = tooEarly(parts, incoming);
  if (refused) return send(parts, incoming, outgoing, refused);
  const request = await receive(incoming);
  const body = parsedBody(request);
  const method = isDictionary(body) ? String(body['method']) : '';
  const call: SandboxCall = { method, status: 0, at: parts.now() };
  parts.note(call);
  const fault = parts.faults.take(method);
  const { latencyMs, loginDelayMs } = parts.settings();
  if (latencyMs > 0) await delay(latencyMs);
  if (method === 'common.db.login' && loginDelayMs > 0) await delay(loginDelayMs * refusals(parts, body));
  if (fault !== undefined) return misbehave(parts, incoming, outgoing, request, fault, call);
  const given = route(parts, request);
  call.status = given.status;
  return send(parts, incoming, outgoing, given);
}

/** How often the server doubles its pause: by the refused logins of this name so far. */
function refusals({ backend }: ServerParts, body: unknown): number {
  const [login] = Object(body).params ?? [];
  return 2 ** backend.sessions.attempts(String(login)) - 1;
}

/** Refusals that do not need the body. */
function tooEarly({ backend }: ServerParts, incoming: IncomingMessage): HttpAnswer | null {
  const { version } = backend.store;
  if (incoming.method !== 'POST') return page(version, 405);
  const { 'content-length': length, authorization } = incoming.headers;
  if (length === undefined) return page(version, 411);
  const request: HttpRequest = { verb: 'POST', path: '', headers: { authorization }, body: Buffer.alloc(0) };
  const given = authorizationOf(request);
  const isSignedIn = given?.kind === 'session' && backend.sessions.holds(given.userId, given.key);
  return Number(length) > (isSignedIn ? MOST_BYTES_SIGNED_IN : MOST_BYTES) ? page(version, 413) : null;
}

async function receive(incoming: IncomingMessage): Promise<HttpRequest> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(chunk);
  const path = new URL(incoming.url ?? '/', 'http://sandbox').pathname;
  return { verb: incoming.method ?? '', path, headers: incoming.headers, body: Buffer.concat(chunks) };
}

function route({ backend }: ServerParts, request: HttpRequest): HttpAnswer {
  const { version } = backend.store;
  if (request.path === '/') return answer(backend, request, null);
  const [, database, slash] = /^\/([^/]+)(\/?)$/.exec(request.path) ?? [];
  if (database === undefined) return page(version, version === '5.0' ? 404 : 405);
  if (slash === '') return redirect(version, `http://${headerOf(request, 'host')}${request.path}/`);
  const isZipped = headerOf(request, 'content-encoding') === 'gzip';
  // 5.0 decompresses any body. Later versions fail with it unless the caller is signed in.
  if (isZipped && version !== '5.0' && authorizationOf(request) === null)
    return page(version, 500, 'Value after * must be an iterable, not NoneType');
  return answer(backend, request, decodeURIComponent(database));
}

function send(
  { backend, settings, now }: ServerParts,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  given: HttpAnswer,
): void {
  const { keepAlive, gzip } = settings();
  const isZipped = gzip && String(incoming.headers['accept-encoding']).includes('gzip');
  const body = isZipped ? gzipSync(given.body) : Buffer.from(given.body);
  outgoing.sendDate = false;
  outgoing.writeHead(given.status, {
    Server: SERVERS[backend.store.version],
    Date: now().toUTCString(),
    'Content-Type': given.type,
    'Content-Length': body.length,
    ...(isZipped && { 'Content-Encoding': 'gzip' }),
    ...given.headers,
    // An unread body would be taken for the next request.
    ...((!keepAlive || !incoming.complete) && { Connection: 'close' }),
  });
  outgoing.end(body);
}

const PROXY_PAGES: Partial<Record<Fault, readonly [number, string]>> = {
  bad_gateway: [502, '502 Bad Gateway'],
  unavailable: [503, '503 Service Temporarily Unavailable'],
  gateway_timeout: [504, '504 Gateway Time-out'],
  too_many: [429, '429 Too Many Requests'],
  html: [200, 'Welcome'],
};

async function misbehave(
  parts: ServerParts,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  request: HttpRequest,
  fault: Fault,
  call: SandboxCall,
): Promise<void> {
  if (fault === 'hang') return;
  if (fault === 'drop') {
    outgoing.destroy();
    return;
  }
  const proxy = PROXY_PAGES[fault];
  if (proxy) {
    const [status, title] = proxy;
    call.status = status;
    const body = `<html>\r\n<head><title>${title}</title></head>\r\n<body></body>\r\n</html>\r\n`;
    const headers = { ...(fault === 'too_many' && { 'Retry-After': String(parts.faults.retryAfter) }) };
    return send(parts, incoming, outgoing, { status, type: 'text/html', body, headers });
  }
  if (fault === 'expired') {
    call.status = 401;
    return send(parts, incoming, outgoing, page(parts.backend.store.version, 401));
  }
  const whole = route(parts, request);
  const half = whole.body.slice(0, Math.floor(whole.body.length / 2));
  if (fault === 'lost') {
    outgoing.destroy();
    return;
  }
  call.status = whole.status;
  if (fault === 'malformed') return send(parts, incoming, outgoing, { ...whole, body: half });
  outgoing.writeHead(200, { 'content-type': whole.type, 'content-length': Buffer.byteLength(whole.body) });
  outgoing.write(half);
  if (fault === 'slow') await delay(parts.faults.slowMs);
  else return void outgoing.write('', () => outgoing.destroy());
  outgoing.end(whole.body.slice(half.length));
}
