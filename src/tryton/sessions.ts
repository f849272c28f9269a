import { errorMessage } from '../errors.ts';
import { delay } from '../retry.ts';
import type { CallSite } from './errors.ts';
import { TrytonRateLimitError } from './errors.ts';
import { TrytonAuthError, TrytonCircuitOpenError } from './login-errors.ts';
import type { OpenCircuit, Session, SessionStore, TrytonLogger } from './types.ts';

/** How often a process looks whether another one has signed in meanwhile; drawn from its upper half. */
const LOOK_EVERY_MS = 60;

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
  /** null while logins may be tried. */
  circuit(): Promise<OpenCircuit | null>;
  /** Takes the session away from everybody; gives it back so that it can be ended on the server. */
  forget(): Promise<Session | null>;
}

/**
 * Callers that need a session at the same time wait for one renewal; processes that do are held apart by the store's
 * claim, and look for what the others found before they sign in. Without the store each process has its own session.
 */
export function createSessions(parts: SessionParts): Sessions {
  return new SessionKeeper(parts);
}

class SessionKeeper implements Sessions {
  readonly #parts: SessionParts;
  #session: Session | null;
  #circuit: OpenCircuit | null = null;
  #renewal: Promise<Session> | null = null;
  #storeFails = false;

  constructor(parts: SessionParts) {
    this.#parts = parts;
    this.#session = parts.initial ?? null;
  }

  async current(): Promise<Session> {
    const session = this.#session;
    return session !== null && !this.#isOver(session) ? session : this.#renewed(session);
  }

  async renew(rejected: Session): Promise<Session> {
    const session = this.#session;
    const replaced = session !== null && session.key !== rejected.key && !this.#isOver(session);
    return replaced ? session : this.#renewed(rejected);
  }

  peek(): Session | null {
    return this.#session;
  }

  async circuit(): Promise<OpenCircuit | null> {
    const shared = await this.#use((store) => store.readCircuit());
    return this.#openOf(shared?.value ?? null) ?? this.#openOf(this.#circuit);
  }

  async forget(): Promise<Session | null> {
    const session = this.#session ?? (await this.#use((store) => store.read()))?.value ?? null;
    this.#session = null;
    if (session !== null) await this.#use((store) => store.remove(session));
    return session;
  }

  /** Joins the renewal under way; one that ended with the very session that was refused since does not count. */
  async #renewed(useless: Session | null): Promise<Session> {
    this.#renewal ??= this.#renew(useless).finally(() => {
      this.#renewal = null;
    });
    const session = await this.#renewal;
    return session.key === useless?.key ? this.renew(useless) : session;
  }

  async #renew(useless: Session | null): Promise<Session> {
    for (;;) {
      const shared = await this.#use((store) => store.read());
      const found = this.#usable(shared?.value ?? null, useless);
      if (found !== null) return found;
      await this.#refuseWhileOpen(shared !== null);
      const claim = shared === null ? null : await this.#use((store) => store.claimLogin());
      // No store: this process signs in for itself.
      if (claim === null) return this.#signIn(useless);
      const { value: release } = claim;
      if (release !== null) return this.#signInClaimed(useless, release);
      await delay(LOOK_EVERY_MS / 2 + (LOOK_EVERY_MS / 2) * Math.random());
    }
  }

  async #signInClaimed(useless: Session | null, release: () => Promise<void>): Promise<Session> {
    try {
      // Whoever had the claim before may have signed in, or been refused, between our look and our claim.
      const shared = await this.#use((store) => store.read());
      const found = this.#usable(shared?.value ?? null, useless);
      if (found !== null) return found;
      await this.#refuseWhileOpen(shared !== null);
      return await this.#signIn(useless);
    } finally {
      await this.#use(release);
    }
  }

  async #signIn(useless: Session | null): Promise<Session> {
    const { signIn, ttlMs, log } = this.#parts;
    const session = await signIn().catch((error: unknown) => this.#refused(error));
    this.#session = session;
    this.#circuit = null;
    log.info({ userId: session.userId }, 'signed in to Tryton');
    if (!this.#storeFails) await this.#use((store) => store.write(session, ttlMs));
    if (useless !== null && this.#isOver(useless)) this.#endOnServer(useless);
    return session;
  }

  /** The session of another process, if it is young and not the one that is known to be useless. */
  #usable(session: Session | null, useless: Session | null): Session | null {
    if (session === null || session.key === useless?.key || this.#isOver(session)) return null;
    this.#session = session;
    return session;
  }

  /** Otherwise sessions would pile up, and Tryton looks through all of a user's at each call. */
  #endOnServer(session: Session): void {
    const { signOut, log } = this.#parts;
    signOut(session).catch((error: unknown) => {
      log.debug({ reason: errorMessage(error) }, 'an old Tryton session could not be ended');
    });
  }

  /** A refusal opens the circuit; anything else (no connection, no answer) leaves it closed. */
  async #refused(error: unknown): Promise<never> {
    const pauseMs = this.#pauseAfter(error);
    if (pauseMs !== null && (error instanceof TrytonAuthError || error instanceof TrytonRateLimitError)) {
      const circuit = { until: this.#parts.clock() + pauseMs, code: error.code, reason: error.text };
      this.#circuit = circuit;
      const until = new Date(circuit.until).toISOString();
      this.#parts.log.warn({ code: error.code, until }, 'Tryton refused the login; none is tried until then');
      if (!this.#storeFails) await this.#use((store) => store.openCircuit(circuit, pauseMs));
    }
    throw error;
  }

  #pauseAfter(error: unknown): number | null {
    const { cooldownMs } = this.#parts;
    if (error instanceof TrytonRateLimitError) return Math.max(cooldownMs, error.seconds * 1000);
    return error instanceof TrytonAuthError ? cooldownMs : null;
  }

  /** A store that has just failed is not asked again: each answer it owes costs time. */
  async #refuseWhileOpen(storeWorks: boolean): Promise<void> {
    const circuit = storeWorks ? await this.circuit() : this.#openOf(this.#circuit);
    if (circuit !== null) throw new TrytonCircuitOpenError(this.#parts.site, circuit);
  }

  #openOf(circuit: OpenCircuit | null): OpenCircuit | null {
    return circuit !== null && circuit.until > this.#parts.clock() ? circuit : null;
  }

  #isOver({ createdAt }: Session): boolean {
    return this.#parts.clock() - createdAt >= this.#parts.ttlMs;
  }

  /** What the store gives; null when it fails, which is logged once per outage. */
  async #use<T>(work: (store: SessionStore) => Promise<T>): Promise<{ value: T } | null> {
    const { store, log } = this.#parts;
    try {
      const value = await work(store);
      if (this.#storeFails) log.info({}, 'the Tryton session is shared again');
      this.#storeFails = false;
      return { value };
    } catch (error) {
      if (!this.#storeFails) log.warn({ reason: errorMessage(error) }, NOT_SHARED);
      this.#storeFails = true;
      return null;
    }
  }
}

const NOT_SHARED = 'the Tryton session cannot be shared: this process uses one of its own';
