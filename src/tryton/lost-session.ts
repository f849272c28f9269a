import { TrytonUserError } from './errors.ts';

/**
 * How Tryton names the record of a session: by its model on 5.0; on 6.0 and 7.0 in the language of the database, by any
 * of the words that their translations have for it.
 */
const WORDS =
  'Sessions?|Sessione|Sessão|Sessioon|Sessie|Sitzung|Sesija|Sesión|Sesja|Seja|Sesiune|Munkamenet|Сессия|Сеанс|Сесия|جلسه|进程|会话';
const SESSION_RECORD = new RegExp(`["«“„]\\s?(?:${WORDS})\\s?["»”]|\\(.*: ir\\.session\\)`);

/**
 * Whether it sounds as if the session's record was deleted while the call was on its way. The server then fails over reading it, and
 * says so as a user error instead of HTTP 401 (seen on trytond 6.0, under load): it looks at the session before the
 * call, and once more after it was carried out (`security.check` and `security.reset`).
 */
export function isLostSession(error: unknown, method: string): boolean {
  return error instanceof TrytonUserError && !method.includes('session') && SESSION_RECORD.test(error.detail);
}
