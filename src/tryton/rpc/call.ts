import {
  TrytonConcurrencyError,
  TrytonRpcError,
  TrytonSessionError,
  TrytonUnknownFateError,
  TrytonUserError,
  TrytonUserWarning,
} from '../errors.ts';
import { isRead, isServerMethod } from '../methods.ts';
import type { Settings } from '../options.ts';
import type { Sessions } from '../session/session-manager.ts';
import type { Answer, CallOptions, RequestSite, RpcRequest, SendRpc, Session, Wire } from '../types.ts';
import type { Attempt, AttemptOptions } from './attempts.ts';
import { attempts, withOutcomeListener } from './attempts.ts';

/**
 * How Tryton names the record of a session: with the model on 5.0. On 6.0 and 7.0 it uses the language of the database,
 * with one of the words that the translations have for it.
 */
const WORDS =
  'Sessions?|Sessione|Sessão|Sessioon|Sessie|Sitzung|Sesija|Sesión|Sesja|Seja|Sesiune|Munkamenet|Сессия|Сеанс|Сесия|جلسه|进程|会话';
const SESSION_RECORD = new RegExp(`["«“„]\\s?(?:${WORDS})\\s?["»”]|\\(.*: ir\\.session\\)`);

/**
 * Whether the message looks as if the record of the session was deleted during the call. The server then fails to read
 * it, and reports a user error instead of HTTP 401 (seen on trytond 6.0, under load). It reads the session before the
 * call, and again after it was carried out (`security.check` and `security.reset`).
 */
function isLostSession(error: unknown, method: string): boolean {
  return error instanceof TrytonUserError && !method.includes('session') && SESSION_RECORD.test(error.detail);
}

export interface PerformOptions extends CallOptions {
  readonly retries?: number;
  readonly deadlineMs?: number;
}

/** One logical call, context included in its parameters: session, retries, deadline. */
export type Perform = (method: string, params: readonly Wire[], options: PerformOptions) => Promise<Answer>;

interface CallParts {
  readonly server: string;
  readonly send: SendRpc;
  readonly sessions: Sessions;
  readonly settings: Settings;
}

export function createPerform({ server, send, sessions, settings }: CallParts): Perform {
  const { timeoutMs, onOutcome, logger } = settings;
  const perform: Perform = (method, params, options) => {
    const { signal, retries = settings.retries, deadlineMs = settings.deadlineMs } = options;
    const limits: AttemptOptions = { site: { server, method }, retries, deadlineMs, signal };
    const write = !isRead(method);
    return attempts(limits, (attempt) => {
      const { number, until } = attempt;
      const request = { method, params, write, signal, attempt: number, timeoutMs, until };
      if (isServerMethod(method)) return send({ ...request, kind: 'root' });
      return withSession(sessions, attempt, async (session) => {
        const withSession = { ...request, kind: 'call', session } as const;
        try {
          return await send(withSession);
        } catch (error) {
          if (!isLostSession(error, method) || (await isKnown(send, withSession))) throw error;
          throw lost({ site: limits.site, write }, error);
        }
      });
    });
  };
  if (onOutcome === undefined) return perform;
  return (method, params, options) =>
    withOutcomeListener(onOutcome, logger, method, () => perform(method, params, options));
}

/**
 * Maximum of refused sessions for one call: its own, those of others in the store, and new ones that were deleted at
 * once.
 */
const MAX_SESSIONS = 5;

/**
 * A refused session (HTTP 401) is renewed and the call repeated. Tryton checks the session first, so nothing was
 * carried out (trytond 5.0 to 7.0). Throws TrytonSessionError if new sessions are refused too.
 */
async function withSession<T>(
  sessions: Sessions,
  attempt: Attempt,
  work: (session: Session) => Promise<T>,
): Promise<T> {
  let session = await attempt.wait(sessions.current());
  for (let tries = 1; ; tries++) {
    try {
      const answer = await work(session);
      sessions.accepted(session);
      return answer;
    } catch (error) {
      // Tryton checked the session before it carried out the call that failed.
      if (isOfTheCall(error)) sessions.accepted(session);
      if (!(error instanceof TrytonSessionError) || tries === MAX_SESSIONS) throw error;
      session = await attempt.wait(sessions.renew(session)).catch((reason: unknown) => {
        // Our own error names the call.
        throw reason instanceof TrytonSessionError ? error : reason;
      });
    }
  }
}

const isOfTheCall = (error: unknown): boolean =>
  error instanceof TrytonUserError ||
  error instanceof TrytonUserWarning ||
  error instanceof TrytonConcurrencyError ||
  error instanceof TrytonRpcError;

/** A message about a session may be about any record of that name. Only a use of our session shows whether it ended. */
function isKnown(send: SendRpc, request: RpcRequest): Promise<boolean> {
  const preferences = { method: 'model.res.user.get_preferences', params: [true, {}], write: false };
  return send({ ...request, ...preferences }).then(
    () => true,
    () => false,
  );
}

/** A read is repeated with a new session. A write is not, because it may have been carried out. */
function lost({ site, write }: RequestSite, cause: unknown): Error {
  if (write) return new TrytonUnknownFateError(site, 'its session was deleted meanwhile', { cause });
  return new TrytonSessionError(site);
}
