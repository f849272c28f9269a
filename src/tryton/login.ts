import type { Attempt } from './attempts.ts';
import { attempts } from './attempts.ts';
import type { CallSite } from './errors.ts';
import { TrytonMalformedError, TrytonUnknownFateError } from './errors.ts';
import { TrytonAuthError } from './login-errors.ts';
import type { Settings } from './options.ts';
import type { Ask } from './rpc.ts';
import { told } from './told.ts';
import type { Session, Wire } from './types.ts';
import { isList } from './wire.ts';

const LOGIN = 'common.db.login';
const LOGOUT = 'common.db.logout';

export interface LoginParts {
  readonly server: string;
  readonly ask: Ask;
  readonly settings: Settings;
}

/**
 * Signs in with the password. Tried again only while nothing could be sent: Tryton counts refused logins.
 *
 * Throws TrytonAuthError, TrytonLoginStepError, TrytonRateLimitError and whatever a call may throw.
 */
export function signIn(parts: LoginParts): Promise<Session> {
  const { onLogin, logger } = parts.settings;
  return onLogin === undefined ? asked(parts) : told(onLogin, logger, LOGIN, () => asked(parts));
}

async function asked({ server, ask, settings }: LoginParts): Promise<Session> {
  const { user, password, context, retries, loginTimeoutMs, clock } = settings;
  const site = { server, method: LOGIN };
  const language = typeof context['language'] === 'string' ? context['language'] : 'en';
  const limits = { site, retries, deadlineMs: loginTimeoutMs };
  const params = [user, { password }, language];
  const question = { kind: 'login', method: LOGIN, params, write: true, timeoutMs: loginTimeoutMs } as const;
  const answer = await attempts(limits, ({ number, until }) =>
    ask({ ...question, attempt: number, until }),
  ).catch(plainly);
  return { login: user, ...sessionIn(site, answer.result), createdAt: clock() };
}

/** Ends a session on the server; one that is over already is no error. */
export async function signOut({ server, ask, settings }: LoginParts, session: Session): Promise<void> {
  const { timeoutMs } = settings;
  const limits = { site: { server, method: LOGOUT }, retries: 0, deadlineMs: timeoutMs };
  const question = { kind: 'call', method: LOGOUT, params: [], write: true, session, timeoutMs } as const;
  try {
    const once = ({ number, until }: Attempt) => ask({ ...question, attempt: number, until });
    await attempts(limits, once).catch(plainly);
  } catch (error) {
    if (!(error instanceof TrytonAuthError)) throw error;
  }
}

/** Whether a login or logout was carried out does not matter to anybody's data: what went wrong is the error. */
function plainly(error: unknown): never {
  throw error instanceof TrytonUnknownFateError ? error.cause : error;
}

/** `[user id, key, ...]`; 6.0 and newer may add more. */
function sessionIn(site: CallSite, result: Wire): { userId: number; key: string } {
  const [userId, key] = isList(result) ? result : [];
  if (typeof userId === 'number' && typeof key === 'string') return { userId, key };
  throw new TrytonMalformedError(site, 'it is not a session (a user id and a key).');
}
