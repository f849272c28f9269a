import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { TrytonAuthError, TrytonCircuitOpenError } from '../../../src/tryton/errors.ts';
import { createMemorySessionStore } from '../../../src/tryton/session/memory-store.ts';
import { createRedisSessionStore } from '../../../src/tryton/session/redis-store.ts';
import type { ReleaseLogin } from '../../../src/tryton/types.ts';
import { freshPrefix, openCacheRedis, redisUrl } from '../../support/redis.ts';
import { waitFor } from '../../support/wait-for.ts';
import type { RedisProxy } from '../cache/redis-proxy.ts';
import { startRedisProxy } from '../cache/redis-proxy.ts';
import { COOLDOWN_MS, keysOf, many, openSessions, SITE, sessionOf, tryton } from './session-parts.ts';

describe('sessions without their Redis', () => {
  let proxy: RedisProxy;
  const closing: (() => void)[] = [];
  beforeEach(async () => {
    proxy = await startRedisProxy(redisUrl());
  });
  afterEach(async () => {
    for (const close of closing.splice(0)) close();
    await proxy.stop();
  });

  /** Two processes, one user, one Redis. */
  const setup = (url = proxy.url) => {
    const server = tryton();
    const prefix = freshPrefix();
    const process = () => {
      const redis = openCacheRedis(url);
      closing.push(() => redis.disconnect());
      const secret = { server: SITE.server, user: 'bot', password: 's3cret-value' };
      const store = createRedisSessionStore(redis, { prefix, ...secret });
      return { redis, store, ...openSessions(server, { store }) };
    };
    return { server, one: process(), other: process() };
  };
  type Process = ReturnType<typeof setup>['one'];
  const messages = ({ lines }: Process) => lines.map(({ level, message }) => `${level}: ${message}`);
  const OUTAGE = 'warn: the Tryton session cannot be shared; this process uses its own';
  const OVER = 'info: the Tryton session is shared again';
  const SIGNED_IN = 'info: signed in to Tryton';
  const ready = ({ redis }: Process) =>
    waitFor(() => redis.status === 'ready', 'Redis to be connected again');

  it('are one for each process where nothing listens, and warn once', async () => {
    await proxy.down();
    const { server, one, other } = setup();
    const [mine] = keysOf(await many(() => one.sessions.current()));
    const [theirs] = keysOf(await many(() => other.sessions.current()));
    expect(mine).not.toBe(theirs);
    expect(server.logins).toBe(2);
    expect(messages(one)).toEqual([OUTAGE, SIGNED_IN]);
    keysOf(await many(() => one.sessions.renew(sessionOf(1, mine))));
    expect(server.logins).toBe(3);
    expect(messages(one)).toEqual([OUTAGE, SIGNED_IN, SIGNED_IN]);
  });

  it('are shared again when Redis is back, and that is logged', async () => {
    await proxy.down();
    const { server, one, other } = setup();
    const mine = await one.sessions.current();
    const theirs = await other.sessions.current();
    await proxy.up();
    await Promise.all([ready(one), ready(other)]);
    const fresh = await one.sessions.renew(mine);
    expect(await other.sessions.renew(theirs)).toEqual(fresh);
    expect(server.logins).toBe(3);
    expect(messages(one)).toEqual([OUTAGE, SIGNED_IN, OVER, SIGNED_IN]);
    expect(messages(other)).toEqual([OUTAGE, SIGNED_IN, OVER]);
  });

  it('go on when Redis falls silent, for calls and for renewals', async () => {
    const { server, one } = setup();
    const first = await one.sessions.current();
    proxy.hang();
    expect(keysOf(await many(() => one.sessions.current()))).toEqual([first.key]);
    const [second] = keysOf(await many(() => one.sessions.renew(first)));
    expect(second).not.toBe(first.key);
    expect(server.logins).toBe(2);
    expect(messages(one)).toEqual([SIGNED_IN, OUTAGE, SIGNED_IN]);
  });

  it('need one login when Redis fails in the middle of it', async () => {
    const { server, one } = setup();
    let open = () => {};
    server.gate = new Promise((resolve) => {
      open = resolve;
    });
    const all = many(() => one.sessions.current());
    await waitFor(() => server.logins === 1, 'the login');
    await proxy.down();
    open();
    expect(keysOf(await all)).toHaveLength(1);
    expect(server.logins).toBe(1);
    expect(messages(one)).toEqual([SIGNED_IN, OUTAGE]);
  });

  it('have a circuit of their own', async () => {
    await proxy.down();
    const { server, one } = setup();
    server.trouble = new TrytonAuthError(SITE);
    await expect(one.sessions.current()).rejects.toBe(server.trouble);
    for (const result of await many(() => one.sessions.current()))
      expect(result).toMatchObject({ reason: expect.any(TrytonCircuitOpenError) });
    expect(await one.sessions.circuit()).toMatchObject({ until: server.time + COOLDOWN_MS });
    expect(server.logins).toBe(1);
    server.time += COOLDOWN_MS;
    server.trouble = null;
    expect(keysOf(await many(() => one.sessions.current()))).toHaveLength(1);
    expect(server.logins).toBe(2);
  });

  it('are shared again as soon as Redis is back, although a login was refused meanwhile', async () => {
    const { server, one, other } = setup();
    const shared = await one.sessions.current();
    await proxy.down();
    server.trouble = new TrytonAuthError(SITE);
    await expect(other.sessions.current()).rejects.toBe(server.trouble);
    await expect(other.sessions.current()).rejects.toBeInstanceOf(TrytonCircuitOpenError);
    await proxy.up();
    await ready(other);
    expect(await other.sessions.current()).toEqual(shared);
    expect(server.logins).toBe(2);
  });

  it('can be forgotten', async () => {
    const { server, one } = setup();
    const first = await one.sessions.current();
    await proxy.down();
    expect(await one.sessions.forget()).toEqual(first);
    // Redis still has it, but this process knows better.
    await proxy.up();
    await ready(one);
    expect((await one.sessions.current()).key).not.toBe(first.key);
    expect(server.logins).toBe(2);
  });
});

describe('a session store that says no or nothing', () => {
  it('is logged once per outage while only some of its commands fail', async () => {
    const server = tryton();
    const no = Object.assign(new Error('OOM command not allowed, with args beginning with: x'), {
      name: 'ReplyError',
    });
    const store = { ...bound(), claimLogin: () => Promise.reject(no) };
    const { sessions, lines } = openSessions(server, { store });
    for (let round = 1; round <= 3; round += 1) {
      keysOf(
        await many(async () => {
          const session = await sessions.current();
          sessions.accepted(session);
          return sessions.renew(session);
        }),
      );
      expect(server.logins).toBe(round + 1);
    }
    const warnings = lines.filter(({ level }) => level === 'warn');
    expect(warnings).toMatchObject([{ details: { reason: 'OOM command not allowed' } }]);
  });

  it('is not waited for without end', async () => {
    const server = tryton();
    const read = () => new Promise<null>(() => {});
    const { sessions, lines } = openSessions(server, { store: { ...bound(), read } });
    expect(keysOf(await many(() => sessions.current()))).toHaveLength(1);
    expect(server.logins).toBe(1);
    expect(lines[0]).toMatchObject({ level: 'warn', details: { reason: 'no answer within 2000 ms' } });
  });

  it('is not waited for without end when it is to give a claim, and gets back what came too late', async () => {
    const server = tryton();
    let released = 0;
    const late: ((release: ReleaseLogin) => void)[] = [];
    const claimLogin = () => new Promise<ReleaseLogin>((resolve) => void late.push(resolve));
    const { sessions } = openSessions(server, { store: { ...bound(), claimLogin } });
    expect(keysOf(await many(() => sessions.current()))).toHaveLength(1);
    expect(server.logins).toBe(1);
    const release = async () => {
      released += 1;
    };
    for (const give of late) give(release);
    await waitFor(() => released === late.length && released > 0, 'the claim to be given back');
  });
});

/** A store whose functions can be replaced one by one. */
function bound() {
  const store = createMemorySessionStore();
  return {
    read: store.read.bind(store),
    write: store.write.bind(store),
    remove: store.remove.bind(store),
    claimLogin: store.claimLogin.bind(store),
    readCircuit: store.readCircuit.bind(store),
    openCircuit: store.openCircuit.bind(store),
  };
}
