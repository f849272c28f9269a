import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { clientAndServer, clientOf, PASSWORD, thrownBy, USER } from './clients.ts';
import type { Script } from './scripted-server.ts';
import { failure, hangUp, page, result, scriptedServer, tryton70 } from './scripted-server.ts';

const READ = 'model.party.party.read';
const WRITE = 'model.party.party.write';
const SECRETS = [
  PASSWORD,
  'key-1',
  'private-value',
  Buffer.from(`${USER}:7:key-1`).toString('base64'),
  Buffer.from(PASSWORD).toString('base64').slice(0, 12),
];

/** Everything that a careless logger could find. */
const shown = (value: unknown) =>
  `${inspect(value, { depth: Number.POSITIVE_INFINITY, showHidden: true, getters: true })}${JSON.stringify(value)}`;

function expectNoSecret(...values: unknown[]) {
  for (const value of values) for (const secret of SECRETS) expect(shown(value)).not.toContain(secret);
}

const echo = `${PASSWORD} key-1 ${Buffer.from(`${USER}:7:key-1`).toString('base64')}`;

describe('neither password nor session nor parameters', () => {
  it.each<[string, Script]>([
    ['a dropped connection', (_, response) => hangUp(response)],
    ['a timeout', () => undefined],
    ['an error that repeats them', (request) => failure(request, echo, echo)],
    ['a user error that repeats them', (request) => failure(request, 'UserError', [echo, echo])],
    ['a page that repeats them', () => page(500, echo)],
    ['an answer that repeats them and is cut', () => ({ body: `{"id": "${echo}` })],
    ['an answer of another request that repeats them', () => ({ body: `{"id": "${echo}"}` })],
    ['HTTP 401', () => page(401, echo)],
    ['HTTP 503', () => page(503, echo)],
    ['a redirect', () => ({ status: 302, headers: { location: `http://u:${PASSWORD}@x.example/` } })],
    [
      'what is not HTTP',
      (_, response) => void response.socket?.end(`HTTP/9.9 ${echo.replaceAll(' ', '\r\n')}`),
    ],
  ])('appear in errors, logs or outcomes after %s', async (_, script) => {
    const options = { timeoutMs: 300, retries: 1 };
    const { client, outcomes, lines } = await clientAndServer(script, options);
    const read = await thrownBy(client.call(READ, [['private-value'], []]));
    const write = await thrownBy(client.call(WRITE, [['private-value'], {}]));
    expect([read, write].every((error) => error.code?.startsWith('tryton_'))).toBe(true);
    expectNoSecret(client, read, write, outcomes, lines, await client.ping());
  });

  it.each<[string, Script]>([
    ['refused', () => page(401, echo)],
    ['dropped', (_, response) => hangUp(response)],
    ['answered with something else', (request) => result(request, { echo })],
    ['answered with half a session', () => ({ body: '{"id":1,"result":[7,"key-1"' })],
    [
      'asked for a second factor',
      (request) => failure(request, 'LoginException', [PASSWORD, PASSWORD, 'char']),
    ],
  ])('appear in errors, logs or outcomes after a login that was %s', async (_, script) => {
    const server = await scriptedServer(script);
    const { client, outcomes, lines } = clientOf(server.url);
    const error = await thrownBy(client.call(READ, [['private-value'], []]));
    expectNoSecret(client, error, outcomes, lines, await client.ping());
  });

  it('appear when a client that is signed in is printed', async () => {
    const server = await scriptedServer(tryton70((request) => result(request, 'fine')));
    const { client, outcomes, lines } = clientOf(server.url);
    expect(await client.call(READ, [['private-value'], []])).toBe('fine');
    expectNoSecret(client, outcomes, lines, await client.login(), await client.ping());
    expect(JSON.stringify(client)).toBe(JSON.stringify({ server: server.url, user: USER }));
    expect(lines.length).toBeGreaterThan(1);
  });
});
