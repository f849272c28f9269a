import type { ChildProcess } from 'node:child_process';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { resolve } from 'node:path';
import { Redis } from 'ioredis';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { apart, TSX } from '../../support/own-process.ts';
import { freshPrefix, redisUrl } from '../../support/redis.ts';
import { waitFor } from '../../support/wait-for.ts';
import { MANY } from './session-parts.ts';

const CHILD = resolve(import.meta.dirname, 'session-child.ts');

describe('two processes', () => {
  const children: ChildProcess[] = [];
  /** Logins that came; those not answered yet wait here. */
  let logins: ServerResponse[] = [];
  let prefix = '';
  let redis: Redis;
  const server = createServer((_request, response) => void logins.push(response));
  beforeEach(async () => {
    prefix = freshPrefix();
    redis = new Redis(redisUrl());
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
  });
  afterEach(async () => {
    for (const child of children.splice(0)) child.kill('SIGKILL');
    server.closeAllConnections();
    await new Promise((done) => server.close(done));
    redis.disconnect();
    logins = [];
  });

  const open = async () => {
    const { port } = server.address() as AddressInfo;
    const child = fork(CHILD, [redisUrl(), prefix, `http://127.0.0.1:${port}/`], {
      ...apart({}),
      execArgv: [...TSX],
    });
    children.push(child);
    await once(child, 'message');
    const renew = async (): Promise<string[]> => {
      const answer = once(child, 'message');
      child.send('go');
      const [keys] = await answer;
      return keys;
    };
    return { child, renew };
  };
  const login = (count: number) => waitFor(() => logins[count - 1], `login ${count} to come`);
  /** The process that may sign in now. */
  const holder = async () => {
    const [key] = await redis.keys(`${prefix}:tryton:claim:*`);
    return key === undefined ? null : redis.get(key);
  };

  it('that are refused at the same time sign in once in all, with 64 callers each', async () => {
    const both = await Promise.all([open(), open()]);
    const renewed = Promise.all(both.map(({ renew }) => renew()));
    (await login(1)).end('fresh');
    expect(await renewed).toEqual([Array(MANY).fill('fresh'), Array(MANY).fill('fresh')]);
    expect(logins).toHaveLength(1);
    expect(await holder()).toBeNull();
  });

  it('do not wait for ever for one that was killed while it signed in', async () => {
    const first = await open();
    first.renew().catch(() => {});
    await login(1);
    const dead = await holder();
    expect(dead).not.toBeNull();
    const second = await open();
    const renewed = second.renew();
    first.child.kill('SIGKILL');
    const again = await login(2);
    expect(await holder()).not.toBe(dead);
    again.end('fresh');
    expect(await renewed).toEqual(Array(MANY).fill('fresh'));
    expect(logins).toHaveLength(2);
  });
});
