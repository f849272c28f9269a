import { describe, expect, it, onTestFinished } from 'vitest';
import { Semaphore } from '../../../src/shared/semaphore.ts';
import { createTransport, type HttpRequest } from '../../../src/tryton/rpc/transport.ts';
import { waitFor } from '../../support/wait-for.ts';
import { clientAndServer, thrownBy } from './clients.ts';
import { result, scriptedServer } from './scripted-server.ts';

/** One connection, and a server that answers `held` requests only when it is released. */
async function oneConnection({ held = 1 } = {}) {
  let letGo = () => {};
  const gate = new Promise<void>((resolve) => {
    letGo = resolve;
  });
  const server = await scriptedServer(async (request, _, count) => {
    if (count <= held) await gate;
    return { body: request.body };
  });
  const room = new Semaphore(Number.POSITIVE_INFINITY);
  const limits = { connections: 1, connectTimeoutMs: 5000, maxAnswerBytes: 1000, room };
  const transport = createTransport(server.origin, limits);
  onTestFinished(() => {
    letGo();
    return transport.close();
  });
  const send = async (body: string, request: Partial<HttpRequest> = {}) => {
    const answer = await transport.send({
      site: { server: server.url, method: 'model.a.read' },
      write: false,
      path: '/tryton/',
      body,
      timeoutMs: 60_000,
      until: performance.now() + 60_000,
      ...request,
    });
    return answer.text;
  };
  const first = send('first');
  await waitFor(() => server.received.length === 1, 'the first request at the server');
  return { server, transport, send, first, letGo };
}

const passed = (ms: number) => {
  const end = performance.now() + ms;
  return waitFor(() => performance.now() > end, `${ms} ms to pass`);
};

describe('a request that finds all connections in use', () => {
  it('waits in line, and its timeout begins when it has one', async () => {
    const { send, first, letGo } = await oneConnection();
    const second = send('second', { timeoutMs: 100 });
    await passed(150);
    letGo();
    expect(await Promise.all([first, second])).toEqual(['first', 'second']);
  });

  it('is sent after all that came before, and before all that come later', async () => {
    const { server, send, letGo } = await oneConnection();
    const names = ['a', 'b', 'c', 'd', 'e'];
    const answers = Promise.all(names.map((name) => send(name)));
    letGo();
    expect(await answers).toEqual(names);
    expect(server.received.map(({ body }) => body)).toEqual(['first', ...names]);
  });

  it('waits no longer than its deadline, and was then not sent, write or not', async () => {
    const { server, send, letGo } = await oneConnection();
    expect(await thrownBy(send('late', { until: performance.now() + 50 }))).toMatchObject({
      code: 'tryton_timeout',
    });
    const held = send('write', { write: true });
    await waitFor(() => server.received.length === 2, 'the write at the server');
    expect(await held).toBe('write');
    letGo();
    expect(await send('third')).toBe('third');
    expect(server.received.map(({ body }) => body)).toEqual(['first', 'write', 'third']);
  });

  it('leaves its place to the next one when its caller gives up', async () => {
    const { server, send, letGo } = await oneConnection();
    const reason = new Error('enough');
    const controller = new AbortController();
    const given = thrownBy(send('given up', { signal: controller.signal }));
    const next = send('next');
    controller.abort(reason);
    expect(await given).toBe(reason);
    letGo();
    expect(await next).toBe('next');
    expect(server.received.map(({ body }) => body)).toEqual(['first', 'next']);
  });

  it('waits for no call when it is a login', async () => {
    const { send, letGo } = await oneConnection({ held: 2 });
    const write = send('write', { write: true });
    expect(await send('login', { write: true, urgent: true })).toBe('login');
    letGo();
    expect(await write).toBe('write');
  });

  it('is still sent when the transport is closed meanwhile, a later one is not', async () => {
    const { send, transport, letGo } = await oneConnection();
    const second = send('second');
    const closing = transport.close();
    expect(await thrownBy(send('third'))).toMatchObject({ code: 'tryton_bad_request' });
    letGo();
    expect(await second).toBe('second');
    await closing;
  });
});

describe('many more calls than connections', () => {
  it('are all answered, however long each of them had to wait', async () => {
    const { client } = await clientAndServer(
      async (request, response) => {
        await passed(20);
        return response.destroyed ? undefined : result(request, request.params[0]);
      },
      { connections: 4, timeoutMs: 250, retries: 0 },
    );
    const calls = Array.from({ length: 120 }, (_, index) => client.call('model.a.search', [[index]]));
    expect(await Promise.all(calls)).toEqual(calls.map((_, index) => [index]));
  });
});

describe('one signal for a thousand calls', () => {
  it('warns of no leak, and ends them all', async () => {
    const warnings: Error[] = [];
    const note = (warning: Error) => warnings.push(warning);
    process.on('warning', note);
    onTestFinished(() => void process.off('warning', note));
    const { server, client } = await clientAndServer(() => undefined);
    const controller = new AbortController();
    const options = { signal: controller.signal };
    const calls = Array.from({ length: 1000 }, () => thrownBy(client.call('model.a.search', [[]], options)));
    await waitFor(() => server.received.length > 16, 'the first calls at the server');
    const reason = new Error('enough');
    controller.abort(reason);
    for (const error of await Promise.all(calls)) expect(error).toBe(reason);
    expect(warnings).toEqual([]);
  });
});
