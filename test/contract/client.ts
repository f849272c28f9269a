import { afterAll, beforeAll } from 'vitest';
import type { OdooClientOptions } from '../../src/odoo/client.ts';
import { createOdooClient } from '../../src/odoo/client.ts';
import type { OdooClient, OdooProtocol, OdooValue } from '../../src/odoo/types.ts';

/** A client for the tests of one block, opened and closed with it. */
export function openClient(options: () => OdooClientOptions): () => OdooClient {
  let client: OdooClient | undefined;
  beforeAll(() => {
    client = createOdooClient(options());
  });
  afterAll(() => client?.close());
  return () => {
    if (client === undefined) throw new Error('the client is opened by a hook');
    return client;
  };
}

/** The error that a failing call throws. */
export async function failure(call: Promise<unknown>): Promise<Error> {
  const outcome = await call.catch((error: unknown) => error);
  if (outcome instanceof Error) return outcome;
  throw new Error(`the call was expected to fail, but answered ${JSON.stringify(outcome)}`);
}

/** The id of a many2one pair. */
export function idIn(pair: OdooValue | undefined): number {
  if (Array.isArray(pair) && typeof pair[0] === 'number') return pair[0];
  throw new Error(`expected [id, name], found ${JSON.stringify(pair)}`);
}

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

export function optionsOf(coordinates: OdooCoordinates, protocol: 'auto' | OdooProtocol): OdooClientOptions {
  const { url, db, user, password, apiKey = '' } = coordinates;
  const secret = protocol === 'json2' ? apiKey : password;
  return { url, db, user, password: secret, protocol, timeoutMs: 120_000, context: {}, concurrency: 2 };
}

export const BC = 'dimagaz.bc';

export const LINE = 'dimagaz.bc.line';
