import { describe } from 'vitest';
import type { OdooClientOptions } from '../../src/odoo/client.ts';
import type { OdooProtocol } from '../../src/odoo/types.ts';
import { equalityContract } from './equality.ts';
import { readingContract } from './reading.ts';
import { searchingContract } from './searching.ts';
import { signInContract } from './sign-in.ts';

/** A running Odoo with the demo add-on `dimagaz`, seeded. The suite only reads. */
export interface OdooCoordinates {
  readonly url: string;
  readonly db: string;
  readonly user: string;
  readonly password: string;
  /** An API key of the same user, for JSON-2. */
  readonly apiKey?: string | undefined;
}

export interface ContractSubject {
  readonly protocols: readonly OdooProtocol[];
  /** Asked when tests run, so that a server may be started by a hook. */
  readonly coordinates: () => OdooCoordinates;
}

/** What the mirror relies on, held against any Odoo: real or sandbox, by every protocol it has. */
export function odooContract(name: string, subject: ContractSubject): void {
  describe(name, () => {
    describe.each(subject.protocols)('by %s', (protocol) => {
      const options = () => optionsOf(subject.coordinates(), protocol);
      signInContract(options);
      searchingContract(options);
      readingContract(options);
    });
    equalityContract(subject);
  });
}

export function optionsOf(coordinates: OdooCoordinates, protocol: 'auto' | OdooProtocol): OdooClientOptions {
  const { url, db, user, password, apiKey = '' } = coordinates;
  const secret = protocol === 'json2' ? apiKey : password;
  return { url, db, user, password: secret, protocol, timeoutMs: 120_000, context: {}, concurrency: 2 };
}

export const BC = 'dimagaz.bc';
export const LINE = 'dimagaz.bc.line';
