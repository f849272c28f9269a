import { createServer } from 'node:net';
import { setImmediate } from 'node:timers/promises';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import { describe, expect, it, onTestFinished } from 'vitest';
import { Semaphore } from '../../../src/shared/semaphore.ts';
import {
  createTransport,
  type HttpRequest,
  type TransportLimits,
} from '../../../src/tryton/rpc/transport.ts';
import { waitFor } from '../../support/wait-for.ts';
import { type Thrown, thrownBy } from '../client/clients.ts';
import type { Script, Scripted } from '../client/scripted-server.ts';
import { hangUp, scriptedServer } from '../client/scripted-server.ts';

function transportTo(origin: string, limits: Partial<TransportLimits> = {}) {
  const transport = createTransport(origin, {
    connections: 4,
    connectTimeoutMs: 5000,
    maxAnswerBytes: 100_000,
    room: new Semaphore(Number.POSITIVE_INFINITY),
    ...limits,
  });
  onTestFinished(() => transport.close());
  const send = (request: Partial<HttpRequest> = {}) =>
    transport.send({
      site: { server: `${origin}/tryton/`, method: 'model.a.read' },
      write: false,
      path: '/tryton/',
      body: '{}',
      timeoutMs: 60_000,
      until: performance.now() + 60_000,
      ...request,
    });
  return { send, close: () => transport.close() };
}

async function answering(script: Script | Scripted, limits: Partial<TransportLimits> = {}) {
  const server = await scriptedServer(typeof script === 'function' ? script : () => script);
  return { server, ...transportTo(server.origin, limits) };
}

/** An origin without a server. */
async function deaf(): Promise<string> {
  const server = await scriptedServer(() => undefined);
  await server.stop();
  return server.origin;
}

describe('a request', () => {
  it('is JSON, uncompressed, and asks for no password prompt', async () => {
    const { server, send } = await answering({ body: '[]' });
    await send({ body: '{"id":1}', authorization: 'Session abc' });
    expect(server.received[0]).toMatchObject({ path: '/tryton/', body: '{"id":1}' });
    expect(server.received[0]?.headers).toMatchObject({
      'content-type': 'application/json',
      accept: 'application/json',
      authorization: 'Session abc',
      'user-agent': 'passerelle',
      'x-requested-with': 'XMLHttpRequest',
      'content-length': '8',
    });
    expect(server.received[0]?.headers['content-encoding']).toBeUndefined();
  });

  it('takes the connection of the one before when it is a read, and one of its own when it is a write', async () => {
    const { server, send } = await answering({ body: '[]' });
    for (const write of [false, false, true, true]) {
      await send({ write });
      await setImmediate();
    }
    expect(server.received.map(({ connection }) => connection)).toEqual([1, 1, 2, 3]);
    expect(server.received.map(({ headers }) => headers.connection)).toEqual([
      'keep-alive',
      'keep-alive',
      'close',
      'close',
    ]);
  });

  it('goes through on a server that closes every connection', async () => {
    const { server, send } = await answering({ body: '[]', headers: { connection: 'close' } });
    for (const write of [false, false, true]) expect(await send({ write })).toMatchObject({ text: '[]' });
    expect(server.received).toHaveLength(3);
  });

  it.each([false, true])(
    'goes through after the server has closed a kept connection (write: %s)',
    async (write) => {
      const { send } = await answering((_, response) => {
        response.on('finish', async () => {
          const { socket } = response;
          await setImmediate();
          socket?.destroy();
        });
        return { body: '[]' };
      });
      for (let call = 0; call < 5; call++) {
        expect(await send()).toMatchObject({ status: 200 });
        expect(await send({ write })).toMatchObject({ status: 200 });
      }
    },
  );
});

describe('an answer', () => {
  it.each([
    ['gzip', gzipSync],
    ['br', brotliCompressSync],
  ])('may come as %s', async (encoding, compress) => {
    const { send } = await answering({
      headers: { 'content-encoding': encoding },
      body: compress('{"é": 1}'),
    });
    expect(await send()).toMatchObject({ status: 200, text: '{"é": 1}' });
  });

  it.each<[string, Scripted, string]>([
    [
      'damaged',
      { headers: { 'content-encoding': 'gzip' }, body: gzipSync('abc').subarray(0, 15) },
      'damaged',
    ],
    ['in no known encoding', { headers: { 'content-encoding': 'zip' }, body: 'x' }, 'Content-Encoding zip'],
    ['not UTF-8', { body: Buffer.from([0xff, 0xfe]) }, 'not UTF-8'],
  ])('%s is malformed, and leaves the fate of a write unknown', async (_, scripted, words) => {
    const { send } = await answering(scripted);
    expect(await thrownBy(send())).toMatchObject({
      code: 'tryton_malformed_answer',
      message: expect.stringContaining(words),
    });
    expect(await thrownBy(send({ write: true }))).toMatchObject({ code: 'tryton_unknown_fate' });
  });

  it.each<[string, Script]>([
    ['announced', () => ({ body: 'x'.repeat(100_001) })],
    ['not announced', (_, response) => void response.writeHead(200).end('x'.repeat(100_001))],
    [
      'compressed',
      () => ({ headers: { 'content-encoding': 'gzip' }, body: gzipSync(Buffer.alloc(50_000_000)) }),
    ],
  ])('that is too long (%s) is refused, and leaves the fate of a write unknown', async (_, script) => {
    const { send } = await answering(script);
    expect(await thrownBy(send())).toMatchObject({
      code: 'answer_too_large',
      message: expect.stringContaining('more than 100000 bytes'),
    });
    const error = await thrownBy(send({ write: true }));
    expect(error).toMatchObject({ code: 'tryton_unknown_fate' });
    expect(error.message).toContain('no usable answer came (it has more than 100000 bytes)');
  });

  it('that is announced as too long is refused before it is read', async () => {
    const { send } = await answering((_, response) => {
      response.writeHead(200, { 'content-length': '100001' }).flushHeaders();
      return undefined;
    });
    expect(await thrownBy(send())).toMatchObject({ code: 'answer_too_large' });
  });

  it('that is not HTTP is malformed, and nothing of it is kept', async () => {
    const server = createServer((socket) => socket.end('SSH-2.0-secret\r\n'));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void server.close());
    const address = server.address();
    const { send } = transportTo(`http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`);
    const error = await thrownBy(send());
    expect(error).toMatchObject({ code: 'tryton_malformed_answer' });
    expect(error.cause).toBeUndefined();
    expect(error.message).toContain('it is not HTTP');
  });

  it('cut in the middle is unreachable, and leaves the fate of a write unknown', async () => {
    const { send } = await answering((_, response) => {
      response.writeHead(200, { 'content-length': '100' });
      response.write('{"id":', () => response.socket?.destroy());
      return undefined;
    });
    expect(await thrownBy(send())).toMatchObject({ code: 'tryton_unreachable' });
    expect(await thrownBy(send({ write: true }))).toMatchObject({ code: 'tryton_unknown_fate' });
  });
});

describe('a large answer', () => {
  const body = 'x'.repeat(90_000);

  /** The error of a request whose time is over after its answer began, however busy this machine is. */
  async function expired(
    send: ReturnType<typeof transportTo>['send'],
    request: Partial<HttpRequest> = {},
  ): Promise<Thrown> {
    for (let timeoutMs = 100; ; timeoutMs *= 2) {
      const error = await thrownBy(send({ ...request, timeoutMs }));
      if (!error.message.includes(`within ${timeoutMs} ms`)) return error;
    }
  }

  it('waits until the answers before it have left it room', async () => {
    const room = new Semaphore(100_000);
    const { send } = await answering({ body }, { room });
    const giveBack = room.tryAcquire(50_000);
    const answers = [send(), send(), send()];
    expect(await expired(send)).toMatchObject({ code: 'too_many_answers' });
    giveBack?.();
    for (const answer of await Promise.all(answers)) expect(answer.text).toBe(body);
    expect(room.tryAcquire(100_000)).not.toBeNull();
  });

  it('of unknown size reserves the largest size', async () => {
    const room = new Semaphore(100_000);
    const { send } = await answering((_, response) => void response.writeHead(200).end(body), { room });
    const giveBack = room.tryAcquire(1);
    expect(await expired(send)).toMatchObject({ code: 'too_many_answers' });
    giveBack?.();
    expect((await send()).text).toBe(body);
  });

  it('of a write that finds no room leaves its fate unknown; a small one needs none', async () => {
    const room = new Semaphore(100_000);
    const { send } = await answering(({ body }) => ({ body: 'x'.repeat(Number(body)) }), { room });
    room.tryAcquire(100_000);
    const error = await expired(send, { write: true, body: '90000' });
    expect(error).toMatchObject({ code: 'tryton_unknown_fate' });
    expect(error.message).toContain('no memory was free for it');
    expect((await send({ write: true, body: '60000' })).text).toHaveLength(60_000);
  });

  it('gives its room back when its caller leaves', async () => {
    const room = new Semaphore(100_000);
    const controller = new AbortController();
    const { send } = await answering(
      (_, response) => void response.writeHead(200, { 'content-length': '90000' }).write('x'.repeat(80_000)),
      { room },
    );
    const left = thrownBy(send({ signal: controller.signal }));
    const isTaken = () => {
      const giveBack = room.tryAcquire(100_000);
      giveBack?.();
      return giveBack === null;
    };
    await waitFor(isTaken, 'the answer to be read');
    controller.abort(new Error('left'));
    expect(await left).toMatchObject({ message: 'left' });
    expect(room.tryAcquire(100_000)).not.toBeNull();
  });
});

describe('a connection', () => {
  it.each([false, true])('that is refused says so, and that nothing was sent (write: %s)', async (write) => {
    const { send } = transportTo(await deaf());
    const error = await thrownBy(send({ write }));
    expect(error).toMatchObject({ code: 'tryton_unreachable', cause: { code: 'ECONNREFUSED' } });
    expect(error.message).toContain('no connection (ECONNREFUSED)');
  });

  it('to a host that does not exist is unreachable', async () => {
    const sending = transportTo('http://tryton.invalid').send({ write: true });
    expect(await thrownBy(sending)).toMatchObject({ code: 'tryton_unreachable' });
  });

  it('with TLS to a server without it is reported as such, and never tried without TLS', async () => {
    const { server } = await answering({ body: '[]' });
    const { send } = transportTo(server.origin.replace('http:', 'https:'));
    const error = await thrownBy(send({ write: true }));
    expect(error).toMatchObject({
      code: 'tryton_unreachable',
      message: expect.stringContaining('plain HTTP, not HTTPS'),
    });
    expect(server.received).toEqual([]);
  });

  it('dropped without an answer is unreachable, and leaves the fate of a write unknown', async () => {
    const { send } = await answering((_, response) => hangUp(response));
    expect(await thrownBy(send())).toMatchObject({ code: 'tryton_unreachable' });
    const unknown = await thrownBy(send({ write: true }));
    expect(unknown).toMatchObject({ code: 'tryton_unknown_fate', cause: { code: 'tryton_unreachable' } });
  });

  it('is refused by a closed client', async () => {
    const { send, close } = await answering({ body: '[]' });
    await close();
    expect(await thrownBy(send())).toMatchObject({ code: 'tryton_bad_request' });
  });
});

describe('time', () => {
  const trickle: Script = (_, response) => {
    response.writeHead(200);
    response.write('{');
    return undefined;
  };

  it.each<[string, Script]>([
    ['before the headers', () => undefined],
    ['in the middle of the body', trickle],
  ])('that runs out %s is a timeout, and leaves the fate of a write unknown', async (_, script) => {
    const { send } = await answering(script);
    const timeout = await thrownBy(send({ timeoutMs: 100 }));
    expect(timeout).toMatchObject({ code: 'tryton_timeout' });
    expect(timeout.message).toContain('within 100 ms');
    expect(await thrownBy(send({ write: true, timeoutMs: 100 }))).toMatchObject({
      code: 'tryton_unknown_fate',
    });
  });
});

describe('a caller who gives up', () => {
  it('gets the reason given, and the connection is dropped', async () => {
    let dropped = false;
    const { server, send } = await answering((_, response) => {
      response.on('close', () => {
        dropped = true;
      });
      return undefined;
    });
    const controller = new AbortController();
    const reason = { any: 'reason' };
    const call = send({ write: true, signal: controller.signal }).catch((thrown: unknown) => thrown);
    await waitFor(() => server.received.length === 1, 'the request');
    controller.abort(reason);
    expect(await call).toBe(reason);
    await waitFor(() => dropped, 'the dropped connection');
  });

  it('before the start sends nothing', async () => {
    const { server, send } = await answering({ body: '[]' });
    const reason = new Error('changed my mind');
    expect(await thrownBy(send({ signal: AbortSignal.abort(reason) }))).toBe(reason);
    expect(server.received).toEqual([]);
  });
});
