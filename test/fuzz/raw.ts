import { connect } from 'node:net';
import fc from 'fast-check';

/** Nothing here takes so long: who waits for it hangs. */
const HANGS_MS = 30_000;

const LINES = [
  'GET /api/v1/bc HTTP/1.1',
  'GET /healthz HTTP/1.0',
  'GET /healthz HTTP/2.0',
  'GET /healthz HTTP/1.1 extra',
  'GET /healthz',
  'get /healthz HTTP/1.1',
  'GET  /healthz  HTTP/1.1',
  'GET healthz HTTP/1.1',
  'GET * HTTP/1.1',
  'OPTIONS * HTTP/1.1',
  'GET http://evil.example/healthz HTTP/1.1',
  'GET //evil.example/..//api/v1/bc HTTP/1.1',
  'CONNECT evil.example:443 HTTP/1.1',
  'GET /api/v1/bc/\0 HTTP/1.1',
  'GET /api/v1/bc/é?q=ü HTTP/1.1',
  'GET /api/v1/bc/%ff%fe HTTP/1.1',
  'GET /api/v1/bc/%zz HTTP/1.1',
  'GET /api/v1/bc?q=%zz&%=%&filter[a][b][c]=1&filter[__proto__][eq]=1 HTTP/1.1',
  `GET /api/v1/bc?q=${'x'.repeat(9000)} HTTP/1.1`,
  `GET /${'a/'.repeat(9000)} HTTP/1.1`,
  'POST /api/v1/sync/runs HTTP/1.1',
  'POST /api/v1/tryton/rpc HTTP/1.1',
  'POST /hooks/odoo HTTP/1.1',
  'PRI * HTTP/2.0',
  '',
  '\0\0\0\0',
  '\x16\x03\x01\x02\x00\x01\x00',
];

const HEADERS = [
  'Host: a, b',
  'Host: \0',
  'no colon at all',
  ': no name',
  'X-Nul: a\0b',
  'X Y: blank in the name',
  ' folded: onto the line before',
  `X-Huge: ${'y'.repeat(20_000)}`,
  ...[
    'Content-Length: -1',
    'Content-Length: 1, 2',
    'Content-Length: 1e3',
    'Content-Length: 99999999999999999999',
  ],
  ...['Content-Length: 5', 'Content-Length: 7'],
  ...[
    'Transfer-Encoding: chunked',
    'Transfer-Encoding: gzip, chunked',
    'Transfer-Encoding: chunked, identity',
  ],
  'Transfer-Encoding : chunked',
  'Content-Type: application/json',
  'Content-Encoding: gzip',
  'Expect: 100-continue',
  'Expect: the unexpected',
  'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: eA==',
  'Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQ',
  'Connection: close',
  'Trailer: Expires',
];

const BODIES = [
  '',
  '{"mode":"full"}',
  '{"a":',
  '5\r\n{"a":\r\n',
  '5\r\nhello\r\n0\r\n\r\n',
  'zz\r\nhello\r\n0\r\n\r\n',
  'ffffffffffffffff\r\nx\r\n',
  `5;${'x'.repeat(20_000)}\r\nhello\r\n0\r\n\r\n`,
  '0\r\nX-Trailer: a\0\r\n\r\n',
  'GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n',
  '['.repeat(100_000),
];

/** Bytes that are almost HTTP. `authorization` is added now and then, so that some of it gets further. */
export function rawRequests(authorization: string): fc.Arbitrary<Buffer> {
  const written = fc
    .record({
      line: fc.constantFrom(...LINES),
      host: fc.constantFrom(['Host: localhost'], ['Host: localhost'], []),
      key: fc.constantFrom([`Authorization: ${authorization}`], []),
      headers: fc.uniqueArray(fc.constantFrom(...HEADERS), { maxLength: 3 }),
      many: fc.constantFrom(0, 0, 0, 0, 3000),
      end: fc.constantFrom('\r\n', '\r\n', '\r\n', '\n', '\r', ''),
      body: fc.constantFrom(...BODIES),
    })
    .map(({ line, host, key, headers, many, end, body }) => {
      const filling = Array.from({ length: many }, (_, at) => `X-${at}: ${at}`);
      return Buffer.from([line, ...host, ...key, ...headers, ...filling, ''].join('\r\n') + end + body);
    });
  const noise = fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes));
  return fc.oneof({ weight: 12, arbitrary: written }, { weight: 1, arbitrary: noise });
}

/**
 * Sends bytes and closes its side of the connection.
 *
 * @returns all bytes until the other side is closed too.
 * @throws Error when it stays open.
 */
export function talk(origin: string, bytes: Buffer): Promise<string> {
  const { hostname, port } = new URL(origin);
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    const socket = connect(Number(port), hostname, () => socket.end(bytes));
    const limit = setTimeout(
      () => socket.destroy(new Error(`neither answered nor closed in ${HANGS_MS} ms`)),
      HANGS_MS,
    );
    socket.on('data', (chunk: Buffer) => {
      chunks.push(chunk);
    });
    // Refused while we were still writing: an end like any other.
    socket.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'ECONNRESET' && error.code !== 'EPIPE') reject(error);
    });
    socket.once('close', () => {
      clearTimeout(limit);
      resolve(Buffer.concat(chunks).toString('latin1'));
    });
  });
}

/** A command that sends the same bytes again. */
export function shellOf(origin: string, bytes: Buffer): string {
  const { hostname, port } = new URL(origin);
  return `echo ${bytes.toString('base64')} | base64 -d | nc -N ${hostname} ${port}`;
}
