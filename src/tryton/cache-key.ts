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
  return digest(`${JSON.stringify([server, user, method])}\n${canonical(params)}`);
}

/** The name of a tag in the store: a write by any user of a database concerns all its users, but no other database. */
export function tagKey(server: string, tag: string): string {
  return digest(JSON.stringify([server, tag]));
}

function digest(text: string): string {
  return hash('sha256', text, 'base64url');
}

/** As `stringifyWire` writes it, the names of objects in order. */
function canonical(value: Wire): string {
  if (isList(value)) return `[${value.map(canonical).join()}]`;
  if (!isObject(value)) return stringifyWire(value);
  const members = Object.keys(value)
    .sort()
    .map((name) => `${JSON.stringify(name)}:${canonical(value[name] ?? null)}`);
  return `{${members.join()}}`;
}
