import { type AddressInfo, connect } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { waitFor } from '../../support/wait-for.ts';
import { scriptedServer, tryton70 } from '../../tryton/client/scripted-server.ts';
import { startApi } from '../http/start-api.ts';

const MEGABYTE = 2 ** 20;
/** Four of these fit in a batch. */
const LARGE = 900_000;

interface Outcome {
  readonly result?: string;
  readonly error?: { readonly status: number; readonly code: string; readonly detail: string };
}

/** An API with answers of at most 1 MiB, and a Tryton that answers as many characters as the first parameter says. */
async function apiAndTryton(before: (place: unknown) => Promise<unknown> = async () => {}) {
  const server = await scriptedServer(
    tryton70(async ({ id, params: [size, place] }) => {
      await before(place);
      return { body: JSON.stringify({ id, result: 'x'.repeat(Number(size)) }) };
    }),
  );
  const api = await startApi({
    ...{ TRYTON_RPC_URL: server.url, TRYTON_USER: 'bot', TRYTON_PASSWORD: 'secret' },
    ...{ TRYTON_TIMEOUT_MS: '300000', TRYTON_DEADLINE_MS: '300000' },
    TRYTON_MAX_ANSWER: String(MEGABYTE),
  });
  onTestFinished(() => api.close());
  const headers = { 'content-type': 'application/json' };
  const post = (payload: object) =>
    api.inject({ method: 'POST', url: '/api/v1/tryton/rpc', headers, payload: JSON.stringify(payload) });
  const batch = async (calls: readonly object[]): Promise<Outcome[]> => (await post(calls)).json();
  const { tryton } = api;
  if (tryton === null) throw new Error('there is a Tryton');
  return { api, server, tryton, post, batch };
}

const read = (size: number, place = 0, cache: unknown = false) => ({
  ...{ method: 'model.party.party.read', params: [size, place], cache },
});
const write = (size: number) => ({ method: 'model.party.party.delete', params: [size] });
const shown = (answers: readonly Outcome[]) =>
  answers.map(({ result, error }) => error?.code ?? result?.length);

test('an answer beyond TRYTON_MAX_ANSWER is refused; after a write the fate is unknown', async () => {
  const { post } = await apiAndTryton();
  const answer = (await post(read(MEGABYTE))).json();
  expect(answer).toMatchObject({ status: 413, code: 'answer_too_large' });
  expect(answer.detail).toContain('more than 1048576 bytes');
  expect((await post(write(MEGABYTE))).json()).toMatchObject({ status: 504, code: 'tryton_unknown_fate' });
  expect((await post(read(LARGE))).json().result).toHaveLength(LARGE);
});

test('calls of a batch whose answers do not fit are refused; the others are answered', async () => {
  const { batch } = await apiAndTryton();
  const answers = await batch([
    ...[1, 2, 3, 4, 5, 6].map((place) => read(LARGE, place)),
    ...[read(1000), write(1000), write(LARGE), read(1000)],
  ]);
  expect(shown(answers)).toEqual([
    ...[LARGE, LARGE, LARGE, LARGE, 'batch_too_large', 'batch_too_large'],
    ...[1000, 1000, 'tryton_unknown_fate', 1000],
  ]);
  expect(answers[4]?.error).toMatchObject({ status: 413, detail: expect.stringContaining('4194304 bytes') });
  expect(answers[8]?.error?.detail).toContain('the answers of the batch have more than 4194304 bytes');
});

test('the earlier calls of a batch take precedence, also if they are answered later', async () => {
  let answered = 0;
  const { batch } = await apiAndTryton(async (place) => {
    if (place === 1) await waitFor(() => answered === 5, 'the answers to the other calls');
    else answered += 1;
  });
  const answers = await batch([1, 2, 3, 4, 5, 6].map((place) => read(LARGE, place)));
  expect(shown(answers)).toEqual([LARGE, LARGE, LARGE, LARGE, 'batch_too_large', 'batch_too_large']);
});

test('cached answers count in a batch', async () => {
  const { server, post, batch } = await apiAndTryton();
  await post(read(LARGE, 0, 60));
  const before = server.received.length;
  const answers = await batch(Array.from({ length: 6 }, () => read(LARGE, 0, 60)));
  expect(shown(answers)).toEqual([LARGE, LARGE, LARGE, LARGE, 'batch_too_large', 'batch_too_large']);
  expect(server.received).toHaveLength(before);
});

test('without memory for answers, large ones are refused for now, and small ones are answered', async () => {
  const { tryton, post, batch } = await apiAndTryton();
  await post(read(LARGE, 0, 60));
  const giveBack = tryton.holdAnswer(2 ** 40);
  const refused = await post(read(LARGE, 0, 60));
  expect(refused.json()).toMatchObject({ status: 503, code: 'too_many_answers', retryAfter: 2 });
  expect(refused.headers['retry-after']).toBe('2');
  expect(shown(await batch([read(1000), write(1000)]))).toEqual(['too_many_answers', 1000]);
  expect((await post(read(1000))).json().result).toHaveLength(1000);
  giveBack?.();
  expect((await post(read(LARGE, 0, 60))).json().result).toHaveLength(LARGE);
});

test('an answer counts until its client has it, or is gone', async () => {
  const { api, tryton, post } = await apiAndTryton();
  let held = 0;
  tryton.holdAnswer = (bytes) => {
    held += bytes;
    return () => {
      held -= bytes;
    };
  };
  expect((await post([read(LARGE), read(LARGE)])).statusCode).toBe(200);
  await waitFor(() => held === 0, 'the count of the answer to end');
  await api.app.listen({ port: 0, host: '127.0.0.1' });
  const { port } = api.app.server.address() as AddressInfo;
  const payload = JSON.stringify([1, 2, 3, 4].map((place) => read(LARGE, place)));
  const head = [
    ...['POST /api/v1/tryton/rpc HTTP/1.1', 'Host: x', 'Content-Type: application/json'],
    ...[`Authorization: Bearer ${api.key}`, `Content-Length: ${payload.length}`],
  ].join('\r\n');
  // It reads nothing, and asks for more than the buffers of both sockets hold.
  const client = connect(port).pause();
  client.write(`${head}\r\n\r\n${payload}`.repeat(8));
  await waitFor(() => held >= 12 * LARGE, 'the answers');
  client.destroy();
  await waitFor(() => held === 0, 'the count of the answers to end');
});
