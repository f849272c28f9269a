import type { OpenCircuit, ReleaseLogin, Session, SessionStore } from '../types.ts';

/**
 * Keeps one user's session in this process, for the clients that are given the same store. What is too old is left to
 * the clients, which look at the dates anyway.
 */
export function createMemorySessionStore(): SessionStore {
  return new MemorySessionStore();
}

class MemorySessionStore implements SessionStore {
  #session: Session | null = null;
  #circuit: OpenCircuit | null = null;
  #claim: object | null = null;

  async read(): Promise<Session | null> {
    return this.#session;
  }

  async write(session: Session): Promise<void> {
    this.#session = session;
  }

  async remove({ key }: Session): Promise<void> {
    if (this.#session?.key === key) this.#session = null;
  }

  async claimLogin(): Promise<ReleaseLogin | null> {
    if (this.#claim !== null) return null;
    const claim = {};
    this.#claim = claim;
    return async () => {
      if (this.#claim === claim) this.#claim = null;
    };
  }

  async readCircuit(): Promise<OpenCircuit | null> {
    return this.#circuit;
  }

  async openCircuit(circuit: OpenCircuit): Promise<void> {
    this.#circuit = circuit;
  }
}
