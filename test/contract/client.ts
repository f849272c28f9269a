import { afterAll, beforeAll } from 'vitest';
import type { OdooClientOptions } from '../../src/odoo/client.ts';
import { createOdooClient } from '../../src/odoo/client.ts';
import type { OdooClient, OdooValue } from '../../src/odoo/types.ts';

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
