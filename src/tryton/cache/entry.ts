import { hash } from 'node:crypto';
import { TrytonRequestError } from '../errors.ts';
import type { CacheOptions, CacheStore, TrytonLogger, Wire } from '../types.ts';
import {
  isList,
  isObject,
  isStrict,
  parseWire,
  type Result,
  resultIn,
  resultOf,
  stringifyWire,
} from '../wire/json.ts';

/** Upper limit of every lifetime. */
const MAX_SECONDS = 86_400;

/** The stored properties of an answer besides its text. */
interface EntryHead {
  /** The versions of its tags, read before the answer was asked for. */
  readonly versions: string;
  /**
   * Epoch milliseconds by the clock of the process that stored it. If the clocks of two machines differ, the age is
   * wrong by the difference. The expiry is set in Redis, by the clock of Redis.
   */
  readonly storedAt: number;
  /** The lifetime that the server allowed. */
  readonly cacheSeconds: number | null;
}

/** An entry that could be read. */
interface Entry extends Pick<EntryHead, 'storedAt' | 'cacheSeconds'> {
  readonly result: Result;
}

/** Whether an entry can be used by a caller with these options. */
type Freshness = 'fresh' | 'stale' | 'over';

/** @throws TrytonRequestError if `ttl` or `stale` is not a whole number of seconds. */
export function checkOptions({ ttl, stale }: CacheOptions): void {
  if (ttl !== undefined && !(Number.isSafeInteger(ttl) && ttl >= 1)) {
    throw new TrytonRequestError(`cache ttl: expected a whole number of seconds from 1, got ${String(ttl)}`);
  }
  if (stale !== undefined && !(Number.isSafeInteger(stale) && stale >= 0)) {
    throw new TrytonRequestError(`cache stale: expected a whole number of seconds, got ${String(stale)}`);
  }
}

/** Seconds. The value of the server is default and upper limit. 0 if the answer may not be cached. */
export function lifetimeSecs(cacheSeconds: number | null, { ttl }: CacheOptions): number {
  if (cacheSeconds === null && ttl === undefined) return 0;
  return Math.max(0, Math.min(cacheSeconds ?? MAX_SECONDS, ttl ?? MAX_SECONDS, MAX_SECONDS));
}

/** When Redis deletes it: after its lifetime and the time in which a stale answer may be returned. */
export function keepMs(lifetime: number, { stale }: CacheOptions): number {
  return (lifetime + Math.min(stale ?? 0, MAX_SECONDS)) * 1000;
}

/** One line of JSON, then the unparsed result. So NaN and integers beyond 2^53 are kept. */
export function packEntry(head: EntryHead, result: Wire): string {
  const text = stringifyWire(result);
  // The text of this length is strict JSON and can be sent without parsing.
  const strict = isStrict(result) ? text.length : null;
  return `${JSON.stringify({ ...head, strict })}\n${text}`;
}

/** The answer of an entry; null if it cannot be read or was stored under other versions. */
export function unpackEntry(entry: string, versions: string): Entry | null {
  const end = entry.indexOf('\n');
  try {
    const head: EntryHead & { readonly strict?: number | null } = JSON.parse(entry.slice(0, end));
    if (head.versions !== versions) return null;
    const text = entry.slice(end + 1);
    const result = head.strict === text.length ? resultIn(text) : resultOf(parseWire(text));
    return { result, cacheSeconds: head.cacheSeconds, storedAt: head.storedAt };
  } catch {
    // Written by another version of this code, or by another program.
    return null;
  }
}

/** The options of the reader decide: a reader that wants answers of at most 5 s never gets an older one. */
export function freshness(
  entry: { readonly storedAt: number; readonly cacheSeconds: number | null },
  options: CacheOptions,
  now: number,
): Freshness {
  const lifetimeMs = lifetimeSecs(entry.cacheSeconds, options) * 1000;
  const age = now - entry.storedAt;
  if (age < lifetimeMs) return 'fresh';
  return lifetimeMs > 0 && age < lifetimeMs + (options.stale ?? 0) * 1000 ? 'stale' : 'over';
}

/** Everything that affects an answer besides the call: server, database, user, language. */
export interface CacheScope {
  /** The database's URL, without credentials. */
  readonly server: string;
  readonly user: string;
}

/**
 * The name of a cached answer. It is a digest, so a key reveals nothing of a call. `params` include the context. The
 * order of an object's names makes no difference to Tryton, so it makes none here; the order of a list does.
 */
export function cacheKey({ server, user }: CacheScope, method: string, params: readonly Wire[]): string {
  return digest(`${JSON.stringify([server, user, method])}\n${canonical(params)}`);
}

/**
 * The name of a tag in the store. A write by any user of a database concerns all users of that database, and no other.
 */
export function tagKey(server: string, tag: string): string {
  return digest(JSON.stringify([server, tag]));
}

function digest(text: string): string {
  return hash('sha256', text, 'base64url');
}

/** As `stringifyWire` writes it, with the names of objects in order. */
function canonical(value: Wire): string {
  if (isList(value)) return `[${value.map(canonical).join()}]`;
  if (!isObject(value)) return stringifyWire(value);
  const members = Object.keys(value)
    .sort()
    .map((name) => `${JSON.stringify(name)}:${canonical(value[name] ?? null)}`);
  return `{${members.join()}}`;
}

export interface CacheParts extends CacheScope {
  /** null: nothing is stored, and every cached call is sent. */
  readonly store: CacheStore | null;
  /** A larger entry is not stored. */
  readonly maxEntryBytes: number;
  /** The deadline of a call. No write takes longer. */
  readonly deadlineMs: number;
  readonly clock: () => number;
  readonly log: TrytonLogger;
}
