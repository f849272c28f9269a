import { LRUCache } from 'lru-cache';
import { errorMessage } from '../../shared/errors.ts';
import { delay } from '../../shared/retry.ts';
import { TrytonAuthError, TrytonRateLimitError, TrytonSessionError } from '../errors.ts';
import { SessionGuard, StoreFailure } from '../store-guard.ts';
import type { OpenCircuit, Session, SessionStore } from '../types.ts';
import { type CircuitParts, LoginCircuit } from './login.ts';

/** Maximum of refused sessions that are remembered, so that they are not taken from the store again. */
const REMEMBERED = 16;

/**
 * One new session may be deleted before its first use. After two in a row, something between us and the server makes
 * them invalid.
 */
const MAX_UNUSABLE_SESSIONS = 2;

/** Sessions that the server refused. */
class RefusedSessions {
  readonly #keys = new LRUCache<string, true>({ max: REMEMBERED });
  /** The key of the last session created here, until the server accepts or refuses it. */
  #untried: string | null = null;
  /** New sessions in a row that the server never accepted. */
  #inVain = 0;

  has({ key }: Session): boolean {
    return this.#keys.has(key);
  }

  made({ key }: Session): void {
    this.#untried = key;
  }

  accepted({ key }: Session): void {
    this.#inVain = 0;
    if (this.#untried === key) this.#untried = null;
  }

  /** True if this refusal shows that another login would fail too. */
  refused(session: Session): boolean {
    const unused = this.#untried === session.key;
    this.add(session);
    if (unused) this.#inVain += 1;
    return unused && this.#inVain >= MAX_UNUSABLE_SESSIONS;
  }

  /** The session ended normally. */
  add({ key }: Session): void {
    if (this.#untried === key) this.#untried = null;
    this.#keys.set(key, true);
  }
}

/** How often a process checks whether another one has signed in meanwhile. The upper half is random. */
const CHECK_INTERVAL_MS = 100;

export interface SessionParts extends CircuitParts {
  readonly store: SessionStore;
  /** Requests a session from Tryton. */
  readonly signIn: () => Promise<Session>;
  /** Ends one on the server. */
  readonly signOut: (session: Session) => Promise<void>;
  readonly ttlMs: number;
  /** How long calls may still use a session that is too old for new calls. */
  readonly graceMs: number;
  readonly initial?: Session;
}

/** The one session of a Tryton user. */
export interface Sessions {
  /**
   * The current session. Takes no time while the one in memory is young.
   *
   * Throws TrytonCircuitOpenError, and the errors of a login.
   */
  current(): Promise<Session>;
  /**
   * The session that replaces a refused one. Throws like `current`, and TrytonSessionError if new sessions are refused
   * at once. This pauses logins, because otherwise each call would leave another session on the server.
   */
  renew(rejected: Session): Promise<Session>;
  /** The server accepted it. */
  accepted(session: Session): void;
  /** The session in memory. */
  peek(): Session | null;
  /** Why logins are paused, in this process or any other; null if they are not. */
  circuit(): Promise<OpenCircuit | null>;
  /** Removes the session everywhere; returns it so that it can be ended on the server. */
  forget(): Promise<Session | null>;
}

/**
 * Callers that need a session at the same time wait for one renewal. Between processes the claim of the store decides.
 * A process without the claim looks for the session of the others before it signs in. Without the store each process
 * has its own session.
 */
export function createSessions(parts: SessionParts): Sessions {
  return new SharedSessions(parts);
}

class SharedSessions implements Sessions {
  readonly #parts: SessionParts;
  readonly #guard: SessionGuard;
  readonly #circuit: LoginCircuit;
  readonly #over = new RefusedSessions();
  #held: Session | null;
  #renewal: Promise<Session> | null = null;

  constructor(parts: SessionParts) {
    this.#parts = parts;
    this.#guard = new SessionGuard(parts.store, parts.log);
    this.#circuit = new LoginCircuit(parts, this.#guard);
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
    this.#letGo(rejected);
    if (this.#over.refused(rejected)) {
      const error = new TrytonSessionError(this.#parts.site);
      await this.#circuit.open(error, 'for all');
      throw error;
    }
    return this.current();
  }

  accepted(session: Session): void {
    this.#over.accepted(session);
  }

  peek(): Session | null {
    return this.#held;
  }

  circuit(): Promise<OpenCircuit | null> {
    return this.#circuit.state();
  }

  async forget(): Promise<Session | null> {
    // A session that is being created is forgotten too.
    await this.#renewal?.catch(() => {});
    const held = this.#held;
    const stored = await this.#guard.attempt('read', (store) => store.read());
    for (const session of [held, stored]) {
      if (session === null) continue;
      this.#letGo(session);
      this.#over.add(session);
    }
    if (stored !== null) await this.#guard.attempt('write', (store) => store.remove(stored));
    if (held !== null && stored !== null && held.key !== stored.key) this.#endOnServer(held);
    return stored ?? held;
  }

  async #renewed(): Promise<Session> {
    const old = this.#held;
    const session = await this.#fromStore().catch((error: unknown) => {
      if (!(error instanceof StoreFailure)) throw error;
      this.#circuit.check();
      return this.#signIn('alone');
    });
    // Calls that use the old session, here or elsewhere, must still succeed: Tryton checks it after a write, too.
    if (old !== null && old.key !== session.key)
      setTimeout(() => this.#endOnServer(old), this.#parts.graceMs).unref();
    return session;
  }

  /**
   * The session of another process, or a login while the other callers wait. Throws StoreFailure only if no login was
   * attempted.
   */
  async #fromStore(): Promise<Session> {
    for (;;) {
      const found = await this.#look();
      if (found !== null) return found;
      const release = await this.#guard.claim();
      if (release !== null) {
        try {
          // The previous holder of the claim may have signed in, or been refused, before we got the claim.
          return (await this.#look()) ?? (await this.#signIn('for all'));
        } finally {
          await this.#guard.attempt('release', release);
        }
      }
      await delay((CHECK_INTERVAL_MS / 2) * (1 + Math.random()));
    }
  }

  async #look(): Promise<Session | null> {
    const [session, circuit] = await this.#guard.use('read', (store) =>
      Promise.all([store.read(), store.readCircuit()]),
    );
    const usable = session !== null && !this.#over.has(session) && this.#isYoung(session);
    // A usable session needs no login, even if the circuit is open.
    if (!usable) this.#circuit.check(circuit);
    if (usable) this.#held = session;
    return usable ? session : null;
  }

  async #signIn(how: 'alone' | 'for all'): Promise<Session> {
    const { signIn, ttlMs, clock, log } = this.#parts;
    const session = await signIn().catch((error: unknown) => this.#failed(error, how));
    this.#held = session;
    this.#over.made(session);
    this.#circuit.close();
    log.info({ userId: session.userId }, 'signed in to Tryton');
    const left = Math.min(ttlMs, session.createdAt + ttlMs - clock());
    if (how === 'for all') await this.#guard.attempt('write', (store) => store.write(session, left));
    return session;
  }

  /** A refusal pauses logins; other failures (no connection, no answer) do not. */
  async #failed(error: unknown, how: 'alone' | 'for all'): Promise<never> {
    const refused = error instanceof TrytonAuthError || error instanceof TrytonRateLimitError;
    if (refused) await this.#circuit.open(error, how);
    throw error;
  }

  /** Otherwise sessions would accumulate, and Tryton reads all sessions of a user at each call. */
  #endOnServer(session: Session): void {
    const { signOut, log } = this.#parts;
    signOut(session).catch((error: unknown) => {
      log.debug({ reason: errorMessage(error) }, 'an old Tryton session could not be ended');
    });
  }

  #letGo({ key }: Session): void {
    if (this.#held?.key === key) this.#held = null;
  }

  #isYoung({ createdAt }: Session): boolean {
    return this.#parts.clock() - createdAt < this.#parts.ttlMs;
  }
}
