import { TrytonUserError } from './errors.ts';

/**
 * How Tryton names the record of a session, in English and French (trytond 6.0 and 7.0), and in any language on 5.0.
 */
const SESSION_RECORD = /["«“]\s?Sessions?\s?["»”]|\(.*: ir\.session\)/;

/**
 * Whether the session's record was deleted while the call was on its way. The server then fails over reading it, and
 * says so as a user error instead of HTTP 401 (seen on trytond 6.0, under load): it looks at the session before the
 * call, and once more after it was carried out (`security.check` and `security.reset`).
 */
export function isLostSession(error: unknown, method: string): boolean {
  return error instanceof TrytonUserError && !method.includes('session') && SESSION_RECORD.test(error.detail);
}
