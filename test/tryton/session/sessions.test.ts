import { describe, expect, it, vi } from 'vitest';
import { createMemorySessionStore } from '../../../src/tryton/session/memory-store.ts';
import { keysOf, many, openSessions, sessionOf, TTL_MS, tryton } from './session-parts.ts';

const setup = (given: Parameters<typeof openSessions>[1] = {}) => {
  const server = tryton();
  return { server, ...openSessions(server, given) };
};

describe('the session of a process', () => {
  it('is signed in for once, however many callers need it at once', async () => {
    const { server, sessions, lines } = setup();
    expect(sessions.peek()).toBeNull();
    const keys = keysOf(await many(() => sessions.current()));
    expect(keys).toEqual([sessions.peek()?.key]);
    expect(server.logins).toBe(1);
    expect(lines).toEqual([{ level: 'info', message: 'signed in to Tryton', details: { userId: 7 } }]);
  });

  it('costs no question to the store while it is young', async () => {
    const store = createMemorySessionStore();
    const { server, sessions } = setup({ store });
    await sessions.current();
    const asked = [vi.spyOn(store, 'read'), vi.spyOn(store, 'readCircuit'), vi.spyOn(store, 'claimLogin')];
    server.time += TTL_MS - 1;
    await many(() => sessions.current());
    for (const question of asked) expect(question).not.toHaveBeenCalled();
  });

  it('is renewed once for all who were refused with it, those who come late included', async () => {
    const { server, sessions } = setup();
    const first = await sessions.current();
    const [second] = keysOf(await many(() => sessions.renew(first)));
    expect(second).not.toBe(first.key);
    expect(keysOf(await many(() => sessions.renew(first)))).toEqual([second]);
    expect(server.logins).toBe(2);
  });

  it('is not given out any more from the moment it was refused', async () => {
    const { server, sessions } = setup();
    const first = await sessions.current();
    const renewed = sessions.renew(first);
    expect(sessions.peek()).toBeNull();
    expect(await sessions.current()).toEqual(await renewed);
    expect(server.logins).toBe(2);
  });

  it('is the given one at first, without a login and without the store', async () => {
    const store = createMemorySessionStore();
    const read = vi.spyOn(store, 'read');
    const initial = sessionOf(Date.UTC(2026, 0, 1));
    const { server, sessions } = setup({ store, initial });
    expect(await sessions.current()).toBe(initial);
    expect(read).not.toHaveBeenCalled();
    expect((await sessions.renew(initial)).key).not.toBe(initial.key);
    expect(server.logins).toBe(1);
  });

  it('is renewed when it is too old, and the old one is ended on the server once no call can be using it', async () => {
    const { server, sessions, lines } = setup();
    const first = await sessions.current();
    server.time += TTL_MS;
    server.logoutTrouble = new Error('gone');
    const [second] = keysOf(await many(() => sessions.current()));
    expect(second).not.toBe(first.key);
    expect(server).toMatchObject({ logins: 2, ended: [] });
    await vi.waitFor(() => expect(server.ended).toEqual([first.key]));
    await vi.waitFor(() =>
      expect(lines.at(-1)).toMatchObject({ level: 'debug', details: { reason: 'gone' } }),
    );
  });

  it('is taken from the process that renewed it', async () => {
    const store = createMemorySessionStore();
    const { server, sessions } = setup({ store });
    const other = openSessions(server, { store });
    const first = await sessions.current();
    expect(await other.sessions.current()).toEqual(first);
    const second = await sessions.renew(first);
    expect(await other.sessions.renew(first)).toEqual(second);
    expect(server.logins).toBe(2);
  });

  it('is waited for while another process signs in', async () => {
    const store = createMemorySessionStore();
    const { server, sessions } = setup({ store });
    const other = openSessions(server, { store });
    let open = () => {};
    server.gate = new Promise((resolve) => {
      open = resolve;
    });
    const first = many(() => sessions.current());
    const second = many(() => other.sessions.current());
    await vi.waitFor(() => expect(server.logins).toBe(1));
    const claim = vi.spyOn(store, 'claimLogin');
    await vi.waitFor(() => expect(claim.mock.calls.length).toBeGreaterThan(1), 10_000);
    open();
    expect(keysOf([...(await first), ...(await second)])).toHaveLength(1);
    expect(server.logins).toBe(1);
  });

  it('is the one that was made between the look for it and the claim', async () => {
    const store = createMemorySessionStore();
    const { server, sessions } = setup({ store });
    const theirs = sessionOf(server.time);
    let released = false;
    vi.spyOn(store, 'claimLogin').mockImplementationOnce(async () => {
      await store.write(theirs, TTL_MS);
      return async () => {
        released = true;
      };
    });
    expect(await sessions.current()).toEqual(theirs);
    expect(released).toBe(true);
    expect(server.logins).toBe(0);
  });

  it('is not taken from the store when this process was refused with it before', async () => {
    const store = createMemorySessionStore();
    const { server, sessions } = setup({ store });
    const dead = await sessions.current();
    const second = await sessions.renew(dead);
    sessions.accepted(second);
    await store.write(dead, TTL_MS);
    const third = await sessions.renew(second);
    expect([dead.key, second.key]).not.toContain(third.key);
    expect(server.logins).toBe(3);
  });

  it('can be forgotten: here, and in the store', async () => {
    const store = createMemorySessionStore();
    const { server, sessions } = setup({ store });
    expect(await sessions.forget()).toBeNull();
    const first = await sessions.current();
    expect(await sessions.forget()).toEqual(first);
    expect(sessions.peek()).toBeNull();
    expect(await store.read()).toBeNull();
    expect((await sessions.current()).key).not.toBe(first.key);
    expect(server).toMatchObject({ logins: 2, ended: [] });
  });

  it('is forgotten as all know it, where this process still had an older one', async () => {
    const store = createMemorySessionStore();
    const { server, sessions } = setup({ store });
    const first = await sessions.current();
    const second = await openSessions(server, { store }).sessions.renew(first);
    expect(await sessions.forget()).toEqual(second);
    expect(await store.read()).toBeNull();
    expect(server.ended).toEqual([first.key]);
  });
});
