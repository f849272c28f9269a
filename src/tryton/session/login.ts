import {
  TrytonAuthError,
  TrytonCircuitOpenError,
  type TrytonError,
  TrytonMalformedError,
  TrytonRateLimitError,
  TrytonSessionError,
  TrytonUnknownFateError,
} from '../errors.ts';
import type { Settings } from '../options.ts';
import type { Attempt } from '../rpc/attempts.ts';
import { attempts, withOutcomeListener } from '../rpc/attempts.ts';
import type { SessionGuard } from '../store-guard.ts';
import type { CallSite, OpenCircuit, SendRpc, Session, SessionStore, TrytonLogger, Wire } from '../types.ts';
import { isList } from '../wire/json.ts';

const LOGIN = 'common.db.login';
const LOGOUT = 'common.db.logout';

export interface LoginParts {
  readonly server: string;
  readonly send: SendRpc;
  readonly settings: Settings;
}

/**
 * Signs in with the password. Repeated only if nothing was sent, because Tryton counts refused logins.
 *
 * Throws TrytonAuthError, TrytonLoginStepError, TrytonRateLimitError and the errors of a call.
 */
export function signIn(parts: LoginParts): Promise<Session> {
  const { onLogin, logger } = parts.settings;
  return onLogin === undefined
    ? details(parts)
    : withOutcomeListener(onLogin, logger, LOGIN, () => details(parts));
}

async function details({ server, send, settings }: LoginParts): Promise<Session> {
  const { user, password, context, retries, loginTimeoutMs, clock } = settings;
  const site = { server, method: LOGIN };
  const language = typeof context['language'] === 'string' ? context['language'] : 'en';
  const limits = { site, retries, deadlineMs: loginTimeoutMs };
  const params = [user, { password }, language];
  const request = { kind: 'login', method: LOGIN, params, write: true, timeoutMs: loginTimeoutMs } as const;
  const answer = await attempts(limits, ({ number, until }) =>
    send({ ...request, attempt: number, until }),
  ).catch(plainly);
  return { login: user, ...sessionIn(site, answer.result), createdAt: clock() };
}

/** Ends a session on the server. A session that already ended is not an error. */
export async function signOut({ server, send, settings }: LoginParts, session: Session): Promise<void> {
  const { timeoutMs } = settings;
  const limits = { site: { server, method: LOGOUT }, retries: 0, deadlineMs: timeoutMs };
  const request = { kind: 'call', method: LOGOUT, params: [], write: true, session, timeoutMs } as const;
  try {
    const once = ({ number, until }: Attempt) => send({ ...request, attempt: number, until });
    await attempts(limits, once).catch(plainly);
  } catch (error) {
    if (!(error instanceof TrytonAuthError)) throw error;
  }
}

/** A login or logout changes no data, so the error does not have to say whether it was carried out. */
function plainly(error: unknown): never {
  throw error instanceof TrytonUnknownFateError ? error.cause : error;
}

/** `[user id, key, ...]`; 6.0 and newer may add more. */
function sessionIn(site: CallSite, result: Wire): { userId: number; key: string } {
  const [userId, key] = isList(result) ? result : [];
  if (typeof userId === 'number' && typeof key === 'string') return { userId, key };
  throw new TrytonMalformedError(site, 'it is not a session (a user id and a key).');
}

/** Refused sessions lock no account. Tryton deletes them after five minutes, so there are never many. */
const SESSION_PAUSE_MS = 30_000;

export interface CircuitParts {
  /** The user of the login. */
  readonly site: CallSite;
  readonly cooldownMs: number;
  readonly clock: () => number;
  readonly log: TrytonLogger;
}

/** Pauses logins in this process and, through the store, in all others. */
export class LoginCircuit {
  readonly #parts: CircuitParts;
  readonly #guard: SessionGuard;
  #known: OpenCircuit | null = null;

  constructor(parts: CircuitParts, guard: SessionGuard) {
    this.#parts = parts;
    this.#guard = guard;
  }

  /** Why logins are paused, here or elsewhere. */
  async state(): Promise<OpenCircuit | null> {
    const own = this.#ifOpen(this.#known);
    return own ?? this.#ifOpen(await this.#guard.attempt('read', (store) => store.readCircuit()));
  }

  /** Throws TrytonCircuitOpenError while logins are paused, by this process or in the store. */
  check(stored: OpenCircuit | null = null): void {
    const circuit = this.#ifOpen(stored ?? this.#known);
    if (circuit === null) return;
    this.#known = circuit;
    throw new TrytonCircuitOpenError(this.#parts.site, circuit);
  }

  async open(error: TrytonError, how: 'alone' | 'for all'): Promise<void> {
    const { cooldownMs, clock, log } = this.#parts;
    const pauseMs = pauseFor(error, cooldownMs);
    const circuit = { until: clock() + pauseMs, code: error.code, reason: error.text };
    this.#known = circuit;
    const until = new Date(circuit.until).toISOString();
    log.warn({ code: error.code, until }, 'Tryton refused the login; none is tried until then');
    const open = (store: SessionStore) => store.openCircuit(circuit, pauseMs);
    if (how === 'for all') await this.#guard.attempt('write', open);
  }

  close(): void {
    this.#known = null;
  }

  #ifOpen(circuit: OpenCircuit | null): OpenCircuit | null {
    return circuit !== null && circuit.until > this.#parts.clock() ? circuit : null;
  }
}

function pauseFor(error: TrytonError, cooldownMs: number): number {
  if (error instanceof TrytonSessionError) return Math.min(cooldownMs, SESSION_PAUSE_MS);
  return error instanceof TrytonRateLimitError ? Math.max(cooldownMs, error.seconds * 1000) : cooldownMs;
}
