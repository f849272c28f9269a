import type { ReadCall } from '../methods.ts';
import type { OdooProtocol, OdooValue } from '../types.ts';

export interface VersionAnswer {
  /** As the server words it: `19.0`. */
  readonly version: string;
  /** The HTTP `Date` header of that answer. */
  readonly date: string | undefined;
}

/**
 * One protocol. Each function makes exactly one HTTP exchange and throws the classes of `errors.ts`.
 * Decoded values are the same whichever protocol carried them.
 */
export interface Transport {
  readonly protocol: OdooProtocol;
  version(): Promise<VersionAnswer>;
  /** The uid of the configured user. @throws OdooAuthError */
  authenticate(): Promise<number>;
  call(uid: number, call: ReadCall): Promise<OdooValue>;
}

/** What a transport needs to know. The secret is a password or an API key. */
export interface Account {
  readonly target: string;
  readonly db: string;
  readonly user: string;
  readonly password: string;
}
