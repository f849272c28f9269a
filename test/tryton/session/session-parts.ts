import { randomUUID } from 'node:crypto';
import { createMemorySessionStore } from '../../../src/tryton/session/memory-store.ts';
import { createSessions, type SessionParts } from '../../../src/tryton/session/session-manager.ts';
import type { Session } from '../../../src/tryton/types.ts';

export const SITE = { server: 'http://tryton.example/tryton/', method: 'common.db.login' };
export const TTL_MS = 3_600_000;
export const COOLDOWN_MS = 300_000;
export const MANY = 64;

/** Tryton's view: logins, logouts, and its answer to the next login. */
export function tryton() {
  const state = {
    time: Date.UTC(2026, 0, 1),
    logins: 0,
    ended: [] as string[],
    /** Thrown by the next logins. */
    trouble: null as Error | null,
    /** The next logins wait for it. */
    gate: Promise.resolve(),
    logoutTrouble: null as Error | null,
  };
  return state;
}

export type Tryton = ReturnType<typeof tryton>;

export function sessionOf(at: number, key = `key-${randomUUID()}`): Session {
  return { login: 'bot', userId: 7, key, createdAt: at };
}

/** The sessions of one "process", and its log. */
export function openSessions(server: Tryton, given: Partial<SessionParts> = {}) {
  const lines: { level: string; message: string; details: object }[] = [];
  const at = (level: string) => (details: object, message: string) => {
    lines.push({ level, message, details });
  };
  const sessions = createSessions({
    store: createMemorySessionStore(),
    signIn: async () => {
      server.logins += 1;
      await server.gate;
      if (server.trouble !== null) throw server.trouble;
      return sessionOf(server.time);
    },
    signOut: async ({ key }) => {
      server.ended.push(key);
      if (server.logoutTrouble !== null) throw server.logoutTrouble;
    },
    site: SITE,
    ttlMs: TTL_MS,
    graceMs: 0,
    cooldownMs: COOLDOWN_MS,
    clock: () => server.time,
    log: { debug: at('debug'), info: at('info'), warn: at('warn') },
    ...given,
  });
  return { sessions, lines };
}

/** As many callers as come at once. */
export function many<T>(work: () => Promise<T>): Promise<PromiseSettledResult<T>[]> {
  return Promise.allSettled(Array.from({ length: MANY }, work));
}

/** The different keys that they got; fails for the first that got none. */
export function keysOf(results: readonly PromiseSettledResult<Session>[]): string[] {
  const keys = results.map((result) => {
    if (result.status === 'rejected') throw result.reason;
    return result.value.key;
  });
  return [...new Set(keys)];
}
