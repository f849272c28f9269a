import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { expect, onTestFinished, test } from 'vitest';
import { createOdooClient } from '../../src/odoo/client.ts';
import type { Script } from './scripted-server.ts';
import { odoo14, result, scriptedServer } from './scripted-server.ts';

const MEGABYTE = 2 ** 20;

/** A client that accepts 1 MB, of an Odoo that answers reads by the script. */
async function clientOf(script: Script) {
  const server = await scriptedServer(odoo14(script));
  const login = { db: 'prod', user: 'bot', password: 'secret', protocol: 'jsonrpc' } as const;
  const limits = { timeoutMs: 120_000, concurrency: 4, maxAnswerBytes: MEGABYTE };
  const client = createOdooClient({ url: server.url, ...login, ...limits, context: {} });
  onTestFinished(() => client.close());
  return client;
}

const TOO_LARGE = {
  code: 'odoo_answer_too_large',
  retryable: false,
  message: expect.stringContaining('call res.partner.search: the answer has more than 1048576 bytes'),
};

/** Writes as long as the connection takes it. */
async function writeForever(response: ServerResponse, sent: { bytes: number }): Promise<void> {
  const chunk = Buffer.alloc(64 * 1024, ' ');
  while (!response.closed && sent.bytes < 256 * MEGABYTE) {
    sent.bytes += chunk.length;
    if (!response.write(chunk)) await Promise.race([once(response, 'drain'), once(response, 'close')]);
  }
}

test('an endless answer is read up to the limit, and its connection is closed', async () => {
  const sent = { bytes: 0 };
  let closed: Promise<unknown> = Promise.resolve();
  const client = await clientOf((_, response) => {
    closed = once(response, 'close');
    response.writeHead(200, { 'content-type': 'application/json' });
    void writeForever(response, sent);
    return undefined;
  });
  await expect(client.search('res.partner', [])).rejects.toMatchObject(TOO_LARGE);
  await closed;
  // Beside the limit, the buffers of the two sockets.
  expect(sent.bytes).toBeLessThan(64 * MEGABYTE);
});

test('an answer that is announced as too large is not read', async () => {
  const client = await clientOf((_, response) => {
    // The rest never comes.
    response.writeHead(200, { 'content-length': MEGABYTE + 1 }).flushHeaders();
    return undefined;
  });
  await expect(client.search('res.partner', [])).rejects.toMatchObject(TOO_LARGE);
});

test('an answer of the largest size is read, and the connection stays open', async () => {
  const { body = '' } = result([1]);
  const client = await clientOf(() => ({ body: body.padEnd(MEGABYTE) }));
  expect(await client.search('res.partner', [])).toEqual([1]);
  expect(await client.search('res.partner', [])).toEqual([1]);
});
