import {
  type CallSite,
  OdooAccessError,
  OdooApplicationError,
  OdooAuthError,
  OdooDatabaseError,
  OdooFieldError,
  OdooModelError,
  OdooStorageError,
} from './errors.ts';

/** An error that Odoo reports, in terms that all protocols share. */
export interface Fault {
  /** `AccessDenied` (login refused), `AccessError` (no right), or anything else. */
  readonly kind: 'denied' | 'forbidden' | 'other';
  readonly message: string;
  /** The class of the exception, if the protocol has it: `psycopg2.errors.UndefinedColumn`. */
  readonly exception?: string | undefined;
}

type OdooFaultError =
  | OdooAccessError
  | OdooApplicationError
  | OdooAuthError
  | OdooDatabaseError
  | OdooFieldError
  | OdooModelError
  | OdooStorageError;

/** The code is newer than the database: the files of the add-on were replaced, but the upgrade was not run yet. */
const NOT_UPGRADED = ['UndefinedColumn', 'UndefinedTable'];

/**
 * The database of Odoo restarts, has no free connection, or cancelled one of two conflicting transactions. psycopg2 has
 * a class for each error of the server. A broken connection is an `OperationalError` or, at the next use, an
 * `InterfaceError`. `PoolError` is a class of Odoo.
 */
const STORAGE_TROUBLE = [
  'OperationalError',
  'InterfaceError',
  'PoolError',
  'AdminShutdown',
  'CrashShutdown',
  'CannotConnectNow',
  'TooManyConnections',
  'SerializationFailure',
  'DeadlockDetected',
  'LockNotAvailable',
  'QueryCanceled',
  'IdleInTransactionSessionTimeout',
];

/**
 * The error class for what Odoo reported. The matched sentences are those of Odoo 14.0 and 19.0. They are the same in
 * both; Odoo does not number its errors. In 14.0 the sentence about models is translated to the user's language, but no
 * other user error of `fields_get` names the model.
 */
export function faultError(site: CallSite, fault: Fault): OdooFaultError {
  const { message: detail, exception = fault.exception } = reported(fault.message);
  const name = exception?.split('.').at(-1) ?? '';
  if (fault.kind === 'denied') return new OdooAuthError(site);
  if (fault.kind === 'forbidden') return new OdooAccessError(site, detail);
  if (/database "[^"]*" does not exist/.test(detail)) return new OdooDatabaseError(site);
  if (site.model !== undefined && isUnknownModel(detail, site.model, site.call))
    return new OdooModelError(site, site.model);
  if (/\bInvalid field\b/.test(detail) || NOT_UPGRADED.includes(name))
    return new OdooFieldError(site, detail);
  if (STORAGE_TROUBLE.includes(name)) return new OdooStorageError(site, detail);
  return new OdooApplicationError(site, detail);
}

function isUnknownModel(detail: string, model: string, call: string): boolean {
  if (detail === `Object ${model} doesn't exist` || detail === `the model '${model}' does not exist`)
    return true;
  return call.endsWith('.fields_get') && detail.includes(model) && detail.length < model.length + 60;
}

const MAX_MESSAGE = 2000;

/** The message without a Python traceback: only the text of the last exception. */
export function plainMessage(text: string): string {
  return reported(text).message;
}

interface Reported {
  readonly message: string;
  readonly exception?: string | undefined;
}

/**
 * XML-RPC faults contain the whole traceback. JSON messages contain one only if an application put it into its text.
 */
function reported(text: string): Reported {
  const start = text.lastIndexOf('Traceback (most recent call last):');
  const { message, ...rest } = start < 0 ? { message: text } : lastException(text.slice(start));
  return { message: message.trim().slice(0, MAX_MESSAGE) || 'no message', ...rest };
}

/** After the frames (indented lines) comes `package.Class: message`, which may have several lines. */
function lastException(traceback: string): Reported {
  const lines = traceback.split(/\r?\n/).slice(1);
  const first = lines.findIndex((line) => line !== '' && !/^\s/.test(line));
  if (first < 0) return { message: '' };
  const said = lines.slice(first).join('\n');
  const exception = /^([\w.]+)(?:: |\s*$)/.exec(said)?.[1];
  return { message: said.replace(/^[\w.]+: /, ''), exception };
}
