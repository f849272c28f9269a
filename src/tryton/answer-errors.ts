import type { TrytonError } from './errors.ts';
import {
  TrytonConcurrencyError,
  TrytonDatabaseError,
  TrytonRpcError,
  TrytonUserError,
  TrytonUserWarning,
} from './errors.ts';
import type { Asked } from './fate.ts';
import { TrytonAuthError, TrytonLoginStepError } from './login-errors.ts';
import type { Wire } from './types.ts';
import { isList } from './wire.ts';

const LONGEST_TEXT = 300;

/**
 * How servers without the database put it, in the first line: trytond 7.0, whose driver stumbles over a pool that it
 * could not open; PostgreSQL's own words, which 5.0 and 6.0 pass on; SQLite's. (7.0 says the same when PostgreSQL is
 * down before its first call.)
 */
const NO_DATABASE = [
  /^'NoneType' object has no attribute 'put_connection'$/,
  /database ".*" does not exist$/,
  /^unable to open database file$/,
];

type Kind = (asked: Asked, details: readonly Wire[]) => TrytonError;

/** Tryton's named errors (trytond/exceptions.py): the name is `error[0]`, the details `error[1]`. */
const KINDS: Readonly<Record<string, Kind>> = {
  UserError: (asked, [message, description]) =>
    new TrytonUserError(asked.site, shown(asked, message), shown(asked, description)),
  UserWarning: (asked, [name, message, description]) =>
    new TrytonUserWarning(asked.site, shown(asked, name), shown(asked, message), shown(asked, description)),
  ConcurrencyException: (asked, [message]) => new TrytonConcurrencyError(asked.site, shown(asked, message)),
  LoginException: (asked, [step, message]) =>
    step === 'password'
      ? new TrytonAuthError(asked.site)
      : new TrytonLoginStepError(asked.site, shown(asked, step), shown(asked, message)),
};

/** The error in `{"id", "error"}`. Of any but the named ones only the first line is used: the rest is a traceback. */
export function errorFromServer(asked: Asked, error: readonly Wire[]): TrytonError {
  const [name, details = null] = error;
  const kind = typeof name === 'string' && Object.hasOwn(KINDS, name) ? KINDS[name] : undefined;
  if (kind !== undefined) return kind(asked, isList(details) ? details : [details]);
  const text = firstLine(typeof name === 'string' ? name : '');
  if (asked.kind !== 'root' && NO_DATABASE.some((words) => words.test(text)))
    return new TrytonDatabaseError(asked.site);
  const words = text === '' ? 'one without a text.' : asked.hide(text).slice(0, LONGEST_TEXT);
  return new TrytonRpcError(asked.site, words);
}

/** Meant for people, so in full. */
function shown(asked: Asked, value: Wire | undefined): string {
  return typeof value === 'string' ? asked.hide(value) : '';
}

function firstLine(text: string): string {
  return (
    text
      .trimStart()
      .split(/[\r\n]/, 1)[0]
      ?.trimEnd() ?? ''
  );
}
