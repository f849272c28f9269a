import { errorMessage } from '../errors.ts';
import { delay } from '../retry.ts';
import type { CallSite } from './errors.ts';
import { TrytonRateLimitError } from './errors.ts';
import { TrytonAuthError, TrytonCircuitOpenError } from './login-errors.ts';
import { SessionGuard, StoreFailure } from './session-guard.ts';
import type { OpenCircuit, Session, SessionStore, TrytonLogger } from './types.ts';

/** How often a process looks whether another one has signed in meanwhile; drawn from its upper half. */
const LOOK_EVERY_MS = 100;

/** So many refused sessions are known by their keys, not to be taken from the store again. */
const REMEMBERED = 16;

export interface SessionParts {
  readonly store: SessionStore;
  /** Asks Tryton for a session. */
  readonly signIn: () => Promise<Session>;
  /** Ends one on the server. */
  readonly signOut: (session: Session) => Promise<void>;
  /** Of the login. */
  readonly site: CallSite;
  readonly ttlMs: number;
  readonly cooldownMs: number;
  readonly clock: () => number;
  readonly log: TrytonLogger;
  readonly initial?: Session;
}

/** The one session of a Tryton user. */
export interface Sessions {
  /**
   * A session to use. Costs nothing while the one in memory is young.
   *
   * Throws TrytonCircuitOpenError, and what signing in throws.
   */
  current(): Promise<Session>;
  /** The session to use instead of one that the server refused. Throws as `current`. */
  renew(rejected: Session): Promise<Session>;
  /** What is in memory. */
  peek(): Session | null;
  /** Why no login is tried now, in this process or any other; null while they may be tried. */
  circuit(): Promise<OpenCircuit | null>;
  /** Takes the session away from everybody; gives it back so that it can be ended on the server. */
  forget(): Promise<Session | null>;
}

/**
 * Callers that need a session at the same time wait for one renewal; processes that do are held apart by the store's
 * claim, and look for what the others found before they sign in. Without the store each process has its own session.
 */
export function createSessions(parts: SessionParts): Sessions {
  return new SharedSessions(parts);
}

class SharedSessions implements Sessions {
  readonly #parts: SessionParts;
  readonly #guard: SessionGuard;
  readonly #refusedKeys = new Set<string>();
  #held: Session | null;
  #circuit: OpenCircuit | null = null;
  #renewal: Promise<Session> | null = null;

  constructor(parts: SessionParts) {
    this.#parts = parts;
    this.#guard = new SessionGuard(parts.store, parts.log);
    this.#held = parts.initial ?? null;
  }

  async current(): Promise<Session> {
    const held = this.#held;
    if (held !== null && this.#isYoung(held)) return held;
    this.#renewal ??= this.#renewed().finally(() => {
      this.#renewal = null;
    });
    return this.#renewal;
  }

  async renew(rejected: Session): Promise<Session> {
    this.#neverAgain(rejected);
    return this.current();
  }

  peek(): Session | null {
    return this.#held;
  }

  async circuit(): Promise<OpenCircuit | null> {
    const own = this.#ifOpen(this.#circuit);
    return own ?? this.#ifOpen(await this.#guard.attempt('read', (store) => store.readCircuit()));
  }

  async forget(): Promise<Session | null> {
    // One that is just being made is to be forgotten too.
    await this.#renewal?.catch(() => {});
    const held = this.#held;
    const stored = await this.#guard.attempt('read', (store) => store.read());
    for (const session of [held, stored]) if (session !== null) this.#neverAgain(session);
    if (stored !== null) await this.#guard.attempt('write', (store) => store.remove(stored));
    if (held !== null && stored !== null && held.key !== stored.key) this.#endOnServer(held);
    return stored ?? held;
  }

  async #renewed(): Promise<Session> {
    const old = this.#held;
    this.#throwIfOpen(this.#circuit);
    const session = await this.#fromStore().catch((error: unknown) => {
      if (error instanceof StoreFailure) return this.#signIn('alone');
      throw error;
    });
    if (old !== null && old.key !== session.key) this.#endOnServer(old);
    return session;
  }

  /** What another process found, or a login while all others wait. Throws StoreFailure only while nothing was tried. */
  async #fromStore(): Promise<Session> {
    for (;;) {
      const found = await this.#look();
      if (found !== null) return found;
      const release = await this.#guard.claim();
      if (release !== null) {
        try {
          // Whoever had the claim before may have signed in, or been refused, between our look and our claim.
          return (await this.#look()) ?? (await this.#signIn('for all'));
        } finally {
          await this.#guard.attempt('release', release);
        }
      }
      await delay((LOOK_EVERY_MS / 2) * (1 + Math.random()));
    }
  }

  async #look(): Promise<Session | null> {
    const [session, circuit] = await this.#guard.use('read', (store) =>
      Promise.all([store.read(), store.readCircuit()]),
    );
    this.#throwIfOpen(circuit);
    if (session === null || this.#refusedKeys.has(session.key) || !this.#isYoung(session)) return null;
    this.#held = session;
    return session;
  }

  async #signIn(how: 'alone' | 'for all'): Promise<Session> {
    const { signIn, ttlMs, clock, log } = this.#parts;
    const session = await signIn().catch((error: unknown) => this.#failed(error, how));
    this.#held = session;
    this.#circuit = null;
    log.info({ userId: session.userId }, 'signed in to Tryton');
    const left = Math.min(ttlMs, session.createdAt + ttlMs - clock());
    if (how === 'for all') await this.#guard.attempt('write', (store) => store.write(session, left));
    return session;
  }

  /** A refusal opens the circuit; anything else (no connection, no answer) leaves it closed. */
  async #failed(error: unknown, how: 'alone' | 'for all'): Promise<never> {
    if (error instanceof TrytonAuthError || error instanceof TrytonRateLimitError) {
      const { cooldownMs, clock, log } = this.#parts;
      const pauseMs = Math.max(cooldownMs, error instanceof TrytonRateLimitError ? error.seconds * 1000 : 0);
      const circuit = { until: clock() + pauseMs, code: error.code, reason: error.text };
      this.#circuit = circuit;
      const until = new Date(circuit.until).toISOString();
      log.warn({ code: error.code, until }, 'Tryton refused the login; none is tried until then');
      const tell = (store: SessionStore) => store.openCircuit(circuit, pauseMs);
      if (how === 'for all') await this.#guard.attempt('write', tell);
    }
    throw error;
  }

  /** Otherwise sessions would pile up, and Tryton looks through all of a user's at each call. */
  #endOnServer(session: Session): void {
    const { signOut, log } = this.#parts;
    signOut(session).catch((error: unknown) => {
      log.debug({ reason: errorMessage(error) }, 'an old Tryton session could not be ended');
    });
  }

  #neverAgain({ key }: Session): void {
    if (this.#held?.key === key) this.#held = null;
    this.#refusedKeys.add(key);
    for (const oldest of this.#refusedKeys) {
      if (this.#refusedKeys.size <= REMEMBERED) break;
      this.#refusedKeys.delete(oldest);
    }
  }

  #throwIfOpen(given: OpenCircuit | null): void {
    const circuit = this.#ifOpen(given);
    if (circuit === null) return;
    this.#circuit = circuit;
    throw new TrytonCircuitOpenError(this.#parts.site, circuit);
  }

  #ifOpen(circuit: OpenCircuit | null): OpenCircuit | null {
    return circuit !== null && circuit.until > this.#parts.clock() ? circuit : null;
  }

  #isYoung({ createdAt }: Session): boolean {
    return this.#parts.clock() - createdAt < this.#parts.ttlMs;
  }
}
