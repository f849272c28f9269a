import type { Address } from './address.ts';
import { addressOf } from './address.ts';
import type { Cache } from './cache.ts';
import { createCache } from './cache.ts';
import type { Perform } from './calls.ts';
import { createPerform } from './calls.ts';
import { encode } from './codec.ts';
import { TrytonRequestError } from './errors.ts';
import { createFixtureAsk } from './fixtures.ts';
import type { LoginParts } from './login.ts';
import { signIn, signOut } from './login.ts';
import { createMemorySessionStore } from './memory-sessions.ts';
import type { Settings, TrytonClientOptions } from './options.ts';
import { settingsOf } from './options.ts';
import { createAsk } from './rpc.ts';
import type { Sessions } from './sessions.ts';
import { createSessions } from './sessions.ts';
import type { Transport } from './transport.ts';
import { createTransport } from './transport.ts';
import type { Wire } from './types.ts';
import { isObject } from './wire.ts';

/** A host that does not even open a connection is not worth a whole timeout. */
const LONGEST_CONNECT_MS = 5000;

/** What a client is made of. */
export interface Parts {
  readonly settings: Settings;
  readonly server: string;
  readonly context: { readonly [name: string]: Wire };
  readonly login: LoginParts;
  readonly sessions: Sessions;
  readonly cache: Cache;
  readonly perform: Perform;
  /** Null with fixtures: nothing goes out. */
  readonly transport: Transport | null;
}

/** Builds the parts; opens no connection. Throws TrytonRequestError for options that cannot work. */
export function assemble(options: TrytonClientOptions): Parts {
  const settings = settingsOf(options);
  const address = addressOf(settings.url);
  // Tryton takes the session header apart at its colons.
  if (settings.user === '' || settings.user.includes(':'))
    throw new TrytonRequestError('The user of a Tryton client has to be a login, without a colon.');
  const { server } = address;
  const { maxEntryBytes, deadlineMs, clock, logger: log, user } = settings;
  const transport = settings.testing === undefined ? transportTo(address, settings) : null;
  const login = { server, ask: asker(address, settings, transport), settings };
  const sessions = createSessions(sessionParts(login));
  return {
    settings,
    server,
    context: contextOf(settings),
    login,
    sessions,
    cache: createCache({
      store: settings.cache ?? null,
      server,
      user,
      maxEntryBytes,
      deadlineMs,
      clock,
      log,
    }),
    perform: createPerform({ ...login, sessions }),
    transport,
  };
}

function transportTo({ origin }: Address, settings: Settings): Transport {
  const { connections, maxAnswerBytes, timeoutMs } = settings;
  const connectTimeoutMs = Math.min(timeoutMs, LONGEST_CONNECT_MS);
  return createTransport(origin, { connections, maxAnswerBytes, connectTimeoutMs });
}

function asker(address: Address, { testing, password, logger: log }: Settings, transport: Transport | null) {
  if (transport === null) return createFixtureAsk(testing ?? {});
  return createAsk({ address, transport, password, log });
}

function sessionParts(login: LoginParts): Parameters<typeof createSessions>[0] {
  const { server, settings } = login;
  const { testing, session, user, clock } = settings;
  return {
    // The session of a test is none to share.
    store: (testing === undefined ? settings.sessions : undefined) ?? createMemorySessionStore(),
    signIn: () => signIn(login),
    signOut: (over) => signOut(login, over),
    site: { server, method: 'common.db.login' },
    ttlMs: settings.sessionTtlMs,
    graceMs: settings.deadlineMs,
    cooldownMs: settings.loginCooldownMs,
    clock,
    log: settings.logger,
    ...(session === undefined ? {} : { initial: { login: user, ...session, createdAt: clock() } }),
  };
}

function contextOf({ context }: Settings): { readonly [name: string]: Wire } {
  const wire = encode(context, 'context');
  if (isObject(wire)) return wire;
  throw new TrytonRequestError('The context of a Tryton client has to be an object.');
}
