import type { AddressInfo } from 'node:net';
import { connect, createServer } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openClient, TIMEOUTS } from '../../../src/db/client.ts';
import { passerelle } from '../../cli/passerelle.ts';
import { startApiProcess } from '../../support/api-process.ts';
import type { OwnProcess } from '../../support/own-process.ts';
import type { TestSetup } from '../../support/test-setup.ts';
import { openTestSetup } from '../../support/test-setup.ts';
import { waitFor } from '../../support/wait-for.ts';
import { startWorkerProcess } from '../../support/worker-process.ts';

const NAMES = [
  ...['idle_in_transaction_session_timeout', 'lock_timeout', 'statement_timeout'],
  ...['tcp_keepalives_idle', 'tcp_keepalives_interval', 'tcp_keepalives_count', 'tcp_user_timeout'],
];

/** Passes connections on to PostgreSQL and keeps the first message of each, which has the session's settings. */
async function startRecorder(databaseUrl: string) {
  const url = new URL(databaseUrl);
  const { hostname, port } = url;
  const startups: string[] = [];
  const server = createServer((client) => {
    const upstream = connect(Number(port || 5432), hostname);
    client.once('data', (message) => startups.push(message.toString('latin1')));
    client.pipe(upstream).pipe(client);
    for (const socket of [client, upstream]) socket.on('error', () => client.destroy());
    client.on('close', () => upstream.destroy());
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  url.hostname = '127.0.0.1';
  url.port = String((server.address() as AddressInfo).port);
  return { url: url.href, startups, stop: () => server.close() };
}

describe('the session settings of PostgreSQL connections', () => {
  let setup: TestSetup;
  let recorder: Awaited<ReturnType<typeof startRecorder>>;
  let processes: OwnProcess[] = [];
  beforeEach(async () => {
    setup = await openTestSetup();
    recorder = await startRecorder(setup.database.url);
  });
  afterEach(async () => {
    for (const { child, exit } of processes) {
      child.kill('SIGKILL');
      await exit;
    }
    processes = [];
    recorder.stop();
    await setup.close();
  });

  const settingsOf = (startup: string) => {
    const texts = startup.slice(8).split('\0');
    return Object.fromEntries(
      NAMES.map((name) => [name, texts.includes(name) ? texts[texts.indexOf(name) + 1] : null]),
    );
  };
  const env = () => ({
    ...setup.env,
    DATABASE_URL: recorder.url,
    DATABASE_IDLE_IN_TRANSACTION: '30s',
    DATABASE_LOCK_TIMEOUT: '45s',
    API_STATEMENT_TIMEOUT: '12s',
    LOG_LEVEL: 'info',
  });

  it.each<[string, string | null, () => Promise<void>]>([
    ['the worker', null, async () => void processes.push(startWorkerProcess(env()))],
    [
      'the API',
      '12000',
      async () =>
        void processes.push(startApiProcess({ ...env(), ADMIN_PASSWORD: 'a-password-of-24-letters' })),
    ],
    ['the command line', null, async () => void (await passerelle(['keys', 'list'], env()))],
  ])('are sent by %s on every connection', async (_, statementTimeout, start) => {
    await start();
    await waitFor(() => recorder.startups.length > 0, 'a connection');
    for (const startup of recorder.startups) {
      expect(settingsOf(startup)).toEqual({
        idle_in_transaction_session_timeout: '30000',
        lock_timeout: '45000',
        statement_timeout: statementTimeout,
        tcp_keepalives_idle: '20',
        tcp_keepalives_interval: '10',
        tcp_keepalives_count: '3',
        tcp_user_timeout: '60000',
      });
    }
  });

  it.each([
    ['count in the session', TIMEOUTS, '30s', '1min'],
    [
      'are the server’s own if they are off',
      { idleInTransactionMs: null, lockMs: null, peerMs: null },
      '0',
      '0',
    ],
  ])('%s', async (_, timeouts, idle, lock) => {
    const client = openClient(setup.database.url, 1, timeouts);
    try {
      const [row] = await client`select current_setting('idle_in_transaction_session_timeout') as idle,
        current_setting('lock_timeout') as lock`;
      expect(row).toEqual({ idle, lock });
    } finally {
      await client.end();
    }
  });
});
