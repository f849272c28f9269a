import type { CallSite, TrytonError } from './errors.ts';
import { TrytonRateLimitError } from './errors.ts';
import { TrytonCircuitOpenError, TrytonSessionError } from './login-errors.ts';
import type { SessionGuard } from './session-guard.ts';
import type { OpenCircuit, SessionStore, TrytonLogger } from './types.ts';

/** Refused sessions lock no account. Tryton forgets them after five minutes, so only a handful of them adds up. */
const SESSION_PAUSE_MS = 30_000;

export interface CircuitParts {
  /** Of the login. */
  readonly site: CallSite;
  readonly cooldownMs: number;
  readonly clock: () => number;
  readonly log: TrytonLogger;
}

/** Keeps logins from being tried for a while, in this process and, through the store, in all others. */
export class LoginCircuit {
  readonly #parts: CircuitParts;
  readonly #guard: SessionGuard;
  #known: OpenCircuit | null = null;

  constructor(parts: CircuitParts, guard: SessionGuard) {
    this.#parts = parts;
    this.#guard = guard;
  }

  /** Why no login is tried now, here or anywhere. */
  async state(): Promise<OpenCircuit | null> {
    const own = this.#ifOpen(this.#known);
    return own ?? this.#ifOpen(await this.#guard.attempt('read', (store) => store.readCircuit()));
  }

  /** Throws TrytonCircuitOpenError while it is open, as this process knows or as the store says. */
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
    const tell = (store: SessionStore) => store.openCircuit(circuit, pauseMs);
    if (how === 'for all') await this.#guard.attempt('write', tell);
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
