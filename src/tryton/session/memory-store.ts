import type { OpenCircuit, ReleaseLogin, Session, SessionStore } from '../types.ts';

/** Keeps the session of one user in this process, for all clients with this store. Clients check the age themselves. */
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
