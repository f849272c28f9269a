import { describe, expect, it, onTestFinished } from 'vitest';
import { CallLimiter } from '../../src/odoo/call-limiter.ts';
import { createOdooClient } from '../../src/odoo/client.ts';
import {
  executeKwArguments,
  json2Request,
  READ_METHODS,
  type ReadCall,
} from '../../src/odoo/protocols/protocol.ts';
import { asked, odoo14, result, scriptedServer } from './scripted-server.ts';

describe('the methods that exist', () => {
  it('are reads', () => {
    expect(READ_METHODS).toEqual([
      'fields_get',
      'search',
      'search_count',
      'search_read',
      'read',
      'context_get',
    ]);
  });

  it.each(['write', 'create', 'unlink', 'action_confirm', 'toString'])(
    '%s is refused before anything is sent',
    (method) => {
      const call: ReadCall = JSON.parse(
        JSON.stringify({ model: 'res.partner', method, named: {}, context: {} }),
      );
      expect(() => executeKwArguments(call)).toThrow(`${method} is not a read method`);
      expect(() => json2Request(call)).toThrow(`${method} is not a read method`);
    },
  );
});

describe('every call', () => {
  it('carries the configured context and sees archived records', async () => {
    const server = await scriptedServer(odoo14(() => result([])));
    const client = createOdooClient({
      url: server.url,
      db: 'prod',
      user: 'bot',
      password: 'x',
      protocol: 'jsonrpc',
      timeoutMs: 20_000,
      context: { lang: 'fr_FR', active_test: true },
      concurrency: 1,
    });
    onTestFinished(() => client.close());
    await client.search('m', [['id', '>', 3]], { order: 'id', limit: 2 });
    await client.searchRead('m', [], { fields: ['name'], limit: 1 });
    await client.read('m', [1], { fields: ['name'], binSize: true });
    await client.read('m', [], { fields: ['name'] });
    const context = { lang: 'fr_FR', active_test: false };
    expect(server.received.slice(2).map((request) => asked(request).args.slice(3))).toEqual([
      ['m', 'search', [[['id', '>', 3]]], { order: 'id', limit: 2, context }],
      ['m', 'search_read', [[]], { fields: ['name'], limit: 1, context }],
      ['m', 'read', [[1]], { fields: ['name'], context: { ...context, bin_size: true } }],
    ]);
  });

  it('signs in once, however many start together', async () => {
    const server = await scriptedServer(odoo14(() => result(5)));
    const options = { url: server.url, db: 'd', user: 'u', password: 'x', timeoutMs: 20_000, context: {} };
    const client = createOdooClient({ ...options, protocol: 'jsonrpc', concurrency: 3 });
    onTestFinished(() => client.close());
    expect(await Promise.all([1, 2, 3].map(() => client.searchCount('m', [])))).toEqual([5, 5, 5]);
    const methods = server.received.map((request) => asked(request).method);
    expect(methods).toEqual(['version', 'authenticate', 'execute_kw', 'execute_kw', 'execute_kw']);
    expect(client.calls).toBe(5);
  });
});

describe('the call limiter', () => {
  it('runs as many calls at once as its concurrency, in the order of their arrival', async () => {
    const limited = new CallLimiter(2, undefined).lane();
    const started: string[] = [];
    let running = 0;
    let most = 0;
    const work = (name: string) => async () => {
      started.push(name);
      most = Math.max(most, ++running);
      await new Promise(setImmediate);
      running--;
    };
    const enter = (names: string) => Promise.all([...names].map((name) => limited(work(name))));
    await enter('abcde');
    await enter('fghij');
    expect(started.join('')).toBe('abcdefghij');
    expect(most).toBe(2);
  });

  it('continues after a call that failed', async () => {
    const limited = new CallLimiter(1, undefined).lane();
    await expect(limited(() => Promise.reject(new Error('no')))).rejects.toThrow('no');
    expect(await limited(async () => 'next')).toBe('next');
  });

  it('gives lanes turns, and the last place to a lane without a call', async () => {
    const limiter = new CallLimiter(3, undefined);
    const [one, other] = [limiter.lane(), limiter.lane()];
    let release = () => {};
    const released = new Promise<void>((done) => {
      release = done;
    });
    let running = 0;
    let most = 0;
    const hangs = async () => {
      most = Math.max(most, ++running);
      await released;
      running--;
    };
    const hanging = Promise.all([1, 2, 3, 4].map(() => one(hangs)));
    await new Promise(setImmediate);
    expect(running).toBe(2);
    for (const answer of ['a', 'b', 'c']) {
      expect(
        await other(async () => {
          most = Math.max(most, running + 1);
          return answer;
        }),
      ).toBe(answer);
    }
    release();
    await hanging;
    expect(most).toBe(3);
  });

  it('spaces the starts by the rate', async () => {
    const limited = new CallLimiter(10, 50).lane();
    const start = performance.now();
    const starts = await Promise.all([1, 2, 3, 4].map(() => limited(async () => performance.now() - start)));
    expect(starts.map((ms, index) => ms >= index * 20 - 2)).toEqual([true, true, true, true]);
  });
});
