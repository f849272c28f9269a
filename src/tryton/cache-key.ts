import { hash } from 'node:crypto';
import type { Wire } from './types.ts';
import { isList, isObject, stringifyWire } from './wire.ts';

/** Whose answers they are: everything besides the call itself that makes a difference. */
export interface CacheScope {
  /** The database's URL, without credentials. */
  readonly server: string;
  readonly user: string;
}

/**
 * The name of a cached answer: a digest, so that nothing of a call can be read in a key. `params` hold the context.
 * The order of an object's names makes no difference to Tryton and none here; the order of a list does.
 */
export function cacheKey({ server, user }: CacheScope, method: string, params: readonly Wire[]): string {
  return digest(`${JSON.stringify([server, user, method])}\n${stringifyWire(sorted(params))}`);
}

/** The name of a tag in the store: a write by any user of a database concerns all its users, but no other database. */
export function tagKey(server: string, tag: string): string {
  return digest(JSON.stringify([server, tag]));
}

function digest(text: string): string {
  return hash('sha256', text, 'base64url');
}

function sorted(value: Wire): Wire {
  if (isList(value)) return value.map(sorted);
  if (!isObject(value)) return value;
  // fromEntries also keeps a member that is called __proto__; an assignment would lose it.
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, member]) => [name, sorted(member)]),
  );
}
