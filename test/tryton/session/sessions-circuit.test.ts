import { describe, expect, it, vi } from 'vitest';
import {
  TrytonAuthError,
  TrytonCircuitOpenError,
  TrytonLoginStepError,
  TrytonRateLimitError,
  TrytonTimeoutError,
  TrytonUnreachableError,
} from '../../../src/tryton/errors.ts';
import { createMemorySessionStore } from '../../../src/tryton/session/memory-store.ts';
import { COOLDOWN_MS, keysOf, MANY, many, openSessions, SITE, tryton } from './session-parts.ts';

const setup = () => {
  const server = tryton();
  const store = createMemorySessionStore();
  return { server, store, one: openSessions(server, { store }), other: openSessions(server, { store }) };
};

/** The errors of all callers; fails if one of them got something. */
const errorsOf = (results: readonly PromiseSettledResult<unknown>[]) =>
  results.map((result) => (result.status === 'rejected' ? result.reason : expect.fail('got a session')));

describe('a refused login', () => {
  it('is reported to all waiting calls, and no other is tried until the cool-down is over', async () => {
    const { server, one, other } = setup();
    server.trouble = new TrytonAuthError(SITE);
    for (const error of errorsOf(await many(() => one.sessions.current())))
      expect(error).toBe(server.trouble);
    const until = server.time + COOLDOWN_MS;
    server.time = until - 1;
    for (const { sessions } of [one, other]) {
      for (const error of errorsOf(await many(() => sessions.current()))) {
        expect(error).toBeInstanceOf(TrytonCircuitOpenError);
        expect(error).toMatchObject({ until: new Date(until), code: 'tryton_login_suspended' });
      }
      expect(await sessions.circuit()).toMatchObject({ until, code: 'tryton_bad_credentials' });
    }
    expect(server.logins).toBe(1);
  });

  it('is tried once more when the cool-down is over, by one process', async () => {
    const { server, one, other } = setup();
    server.trouble = new TrytonAuthError(SITE);
    await many(() => one.sessions.current());
    await many(() => other.sessions.current());
    server.time += COOLDOWN_MS;
    expect(await one.sessions.circuit()).toBeNull();
    const both = [many(() => one.sessions.current()), many(() => other.sessions.current())];
    const errors = errorsOf((await Promise.all(both)).flat());
    expect(errors.filter((error) => error === server.trouble)).toHaveLength(MANY);
    expect(errors.filter((error) => error instanceof TrytonCircuitOpenError)).toHaveLength(MANY);
    expect(server.logins).toBe(2);
  });

  it('recovers by itself when the password is right again', async () => {
    const { server, one, other } = setup();
    server.trouble = new TrytonAuthError(SITE);
    await many(() => one.sessions.current());
    server.trouble = null;
    await expect(other.sessions.current()).rejects.toBeInstanceOf(TrytonCircuitOpenError);
    server.time += COOLDOWN_MS;
    const both = [many(() => one.sessions.current()), many(() => other.sessions.current())];
    expect(keysOf((await Promise.all(both)).flat())).toHaveLength(1);
    expect(server.logins).toBe(2);
    expect(await one.sessions.circuit()).toBeNull();
  });

  it('opens the circuit for a second factor, and for too many requests as long as the server says', async () => {
    for (const [trouble, pauseMs] of [
      [new TrytonLoginStepError(SITE, 'sms', 'Code'), COOLDOWN_MS],
      [new TrytonRateLimitError(SITE, 1), COOLDOWN_MS],
      [new TrytonRateLimitError(SITE, 900), 900_000],
    ] as const) {
      const { server, one, other } = setup();
      server.trouble = trouble;
      await expect(one.sessions.current()).rejects.toBe(trouble);
      const circuit = { until: server.time + pauseMs, code: trouble.code };
      expect(await other.sessions.circuit()).toMatchObject(circuit);
      await expect(one.sessions.current()).rejects.toBeInstanceOf(TrytonCircuitOpenError);
      expect(server.logins).toBe(1);
    }
  });

  it('counts when another process was refused between the look and the claim', async () => {
    const { server, store, one } = setup();
    const claimLogin = store.claimLogin.bind(store);
    vi.spyOn(store, 'claimLogin').mockImplementationOnce(async () => {
      await store.openCircuit({ until: server.time + 1, code: 'x', reason: 'y' }, 1);
      return claimLogin();
    });
    await expect(one.sessions.current()).rejects.toBeInstanceOf(TrytonCircuitOpenError);
    expect(server.logins).toBe(0);
    server.time += 1;
    await one.sessions.current();
  });

  it('is logged once, as a warning that says until when', async () => {
    const { server, one } = setup();
    server.trouble = new TrytonAuthError(SITE);
    await many(() => one.sessions.current());
    await many(() => one.sessions.current());
    const until = new Date(server.time + COOLDOWN_MS).toISOString();
    expect(one.lines).toEqual([
      {
        level: 'warn',
        message: 'Tryton refused the login; none is tried until then',
        details: { code: 'tryton_bad_credentials', until },
      },
    ]);
  });

  it('leaves a session in use alone, until that is refused', async () => {
    const { server, one } = setup();
    const session = await one.sessions.current();
    server.trouble = new TrytonAuthError(SITE);
    await expect(one.sessions.renew(session)).rejects.toBe(server.trouble);
    await expect(one.sessions.current()).rejects.toBeInstanceOf(TrytonCircuitOpenError);
    await expect(one.sessions.renew(session)).rejects.toBeInstanceOf(TrytonCircuitOpenError);
    expect(server.logins).toBe(2);
  });
});

describe('a login that found no answer', () => {
  it('is reported to all waiting calls and tried again by the next call', async () => {
    for (const trouble of [
      new TrytonUnreachableError(SITE, 'ECONNREFUSED'),
      new TrytonTimeoutError(SITE, 5),
    ]) {
      const { server, one, other } = setup();
      server.trouble = trouble;
      for (const error of errorsOf(await many(() => one.sessions.current()))) expect(error).toBe(trouble);
      expect(await other.sessions.circuit()).toBeNull();
      expect(server.logins).toBe(1);
      server.trouble = null;
      expect(keysOf(await many(() => other.sessions.current()))).toHaveLength(1);
      expect(server.logins).toBe(2);
    }
  });
});
