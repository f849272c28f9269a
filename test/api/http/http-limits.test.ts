import { once } from 'node:events';
import type { AddressInfo, Socket } from 'node:net';
import { connect } from 'node:net';
import { afterEach, expect, it } from 'vitest';
import { waitFor } from '../../support/wait-for.ts';
import { listenTo } from '../sync/event-listener.ts';
import type { TestApi } from './start-api.ts';
import { startApi } from './start-api.ts';

const HASTY = { requestTimeoutMs: 300, headersTimeoutMs: 200, timeoutCheckMs: 20 };

let api: TestApi;
const sockets: Socket[] = [];
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  await api.close();
});

/** A raw connection to the API and all that it answered. */
async function dial() {
  await listenTo(api.app);
  const socket = connect((api.app.server.address() as AddressInfo).port, '127.0.0.1');
  sockets.push(socket);
  let answer = '';
  socket.on('data', (chunk: Buffer) => {
    answer += chunk.toString();
  });
  socket.on('error', () => {});
  await once(socket, 'connect');
  const body = (): Record<string, unknown> => JSON.parse(answer.split('\r\n\r\n')[1] ?? '');
  return { socket, closed: once(socket, 'close'), answer: () => answer, body };
}

/** Sends the text a character at a time, until it ends or the connection does. */
async function trickle(socket: Socket, text: string): Promise<void> {
  for (const character of text) {
    if (socket.destroyed || !socket.writable) return;
    socket.write(character);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

it('a client that sends its headers byte by byte gets 408 and is dropped, long before the limit of the whole request', async () => {
  api = await startApi({}, {}, { ...HASTY, requestTimeoutMs: 600_000 });
  const { socket, closed, answer, body } = await dial();
  void trickle(socket, `GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-Slow: ${'a'.repeat(10_000)}`);
  await closed;
  expect(answer()).toMatch(/^HTTP\/1\.1 408 Request Timeout\r\nContent-Type: application\/problem\+json/);
  expect(body()).toMatchObject({ status: 408, code: 'request_timeout' });
});

it('a client that sends its body byte by byte is dropped', async () => {
  api = await startApi({}, {}, HASTY);
  const { socket, closed, answer } = await dial();
  socket.write('POST /api/v1/sync/runs HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10000\r\n');
  socket.write(`Authorization: Bearer ${api.key}\r\nContent-Type: application/json\r\n\r\n`);
  void trickle(socket, ' '.repeat(10_000));
  await closed;
  expect(answer()).toMatch(/^HTTP\/1\.1 408 [\s\S]*"code":"request_timeout"/);
});

it('a client that connects and says nothing is dropped', async () => {
  api = await startApi({}, {}, { ...HASTY, keepAliveTimeoutMs: 50 });
  const { closed } = await dial();
  await closed;
});

it('many slow clients do not delay others', async () => {
  api = await startApi({}, {}, { ...HASTY, requestTimeoutMs: 60_000, headersTimeoutMs: 60_000 });
  for (let dialled = 0; dialled < 100; dialled += 1) {
    const { socket } = await dial();
    socket.write('GET /healthz HTTP/1.1\r\nX-Slow: ');
  }
  expect((await fetch(`${await listenTo(api.app)}/healthz`)).status).toBe(200);
});

it('a connection without progress during an answer is closed', async () => {
  api = await startApi({}, {}, { stalledTimeoutMs: 2000, eventEveryMs: 600_000, eventHeartbeatMs: 600_000 });
  const { socket, closed, answer } = await dial();
  socket.write(
    `GET /api/v1/sync/events HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${api.key}\r\n\r\n`,
  );
  await waitFor(() => answer().includes('event: state'), 'the first event');
  await closed;
});

it('more than 16 KiB of headers is a problem, 8 KiB are not', async () => {
  api = await startApi();
  const base = await listenTo(api.app);
  const send = (bytes: number) => fetch(`${base}/healthz`, { headers: { 'x-long': 'a'.repeat(bytes) } });
  expect((await send(8 * 1024)).status).toBe(200);
  const refused = await send(20 * 1024);
  expect([refused.status, refused.headers.get('content-type')]).toEqual([431, 'application/problem+json']);
  expect(await refused.json()).toMatchObject({ code: 'headers_too_large' });
});

it('a URL of more than 8192 characters is refused, with and without a key', async () => {
  api = await startApi();
  const url = (length: number) => `/api/v1/bc?q=${'a'.repeat(length - '/api/v1/bc?q='.length)}`;
  const refused = await api.app.inject(url(8193));
  expect([refused.statusCode, refused.json().code]).toEqual([414, 'url_too_long']);
  expect((await api.app.inject(url(8192))).statusCode).toBe(401);
});

it('bytes that are not HTTP give a problem that repeats none of them', async () => {
  api = await startApi();
  const { socket, closed, answer, body } = await dial();
  socket.write('SECRET \0\0 nonsense\r\n\r\n');
  await closed;
  expect(answer()).toMatch(/^HTTP\/1\.1 400 /);
  expect(body()).toMatchObject({ status: 400, code: 'invalid_request' });
  expect(answer()).not.toContain('SECRET');
});
