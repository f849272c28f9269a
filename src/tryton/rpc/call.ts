import { onAbort, type RetryDecision, type RetryPolicy, retry } from '../../shared/retry.ts';
import {
  type CallSite,
  TrytonConcurrencyError,
  TrytonRpcError,
  TrytonSessionError,
  TrytonTimeoutError,
  TrytonUnavailableError,
  TrytonUnknownFateError,
  TrytonUnreachableError,
  TrytonUserError,
  TrytonUserWarning,
} from '../errors.ts';
import { isRead, isServerMethod } from '../methods.ts';
import type { CallOutcome, Settings } from '../options.ts';
import type { Sessions } from '../session/session-manager.ts';
import type { Answer, CallOptions, Session, TrytonLogger, Wire } from '../types.ts';
import type { Ask, Question } from './request.ts';
import type { Sending } from './response.ts';

const PAUSES = { firstDelayMs: 200, longestDelayMs: 5000 };

export interface AttemptOptions {
  readonly site: CallSite;
  /** After the first. */
  readonly retries: number;
  /** For all tries, the pauses between them and whatever else they wait for. */
  readonly deadlineMs: number;
  readonly signal?: AbortSignal | undefined;
}

/** One try of a call. */
export interface Attempt {
  /** From 1. */
  readonly number: number;
  readonly signal: AbortSignal | undefined;
  /** By `performance.now()`: the end of all tries. */
  readonly until: number;
  /** Waits for something that others wait for too: only this caller gives up, in time or when its signal says so. */
  wait<T>(shared: Promise<T>): Promise<T>;
}

/**
 * Tries a call again, after a growing pause, while it has found no connection, no answer in time, or a proxy that
 * cannot reach the server. (A write fails in these ways only when it was not sent: see TrytonUnknownFateError.) A login
 * that failed on the way is not tried again here.
 *
 * Throws the error of the last try, or TrytonTimeoutError naming the deadline when that cut it.
 */
export async function attempts<T>(
  options: AttemptOptions,
  work: (attempt: Attempt) => Promise<T>,
): Promise<T> {
  const { site, signal, deadlineMs } = options;
  signal?.throwIfAborted();
  const until = performance.now() + deadlineMs;
  const policy: RetryPolicy = { tries: options.retries + 1, ...PAUSES };
  const left = () => until - performance.now();
  const late = (cause?: unknown) => new TrytonTimeoutError(site, deadlineMs, { cause });
  const once = async (number: number) => {
    const attempt: Attempt = {
      number,
      signal,
      until,
      wait: (shared) => waitFor(shared, left(), late, signal),
    };
    try {
      return await work(attempt);
    } catch (error) {
      // A timer may be early by a fraction of a millisecond.
      throw error instanceof TrytonTimeoutError && left() <= 1 ? late(error) : error;
    }
  };
  return retry(policy, (error) => again(error, site), once, { signal, until });
}

function again(error: unknown, { method }: CallSite): RetryDecision {
  if (error instanceof TrytonUnavailableError && error.method === method)
    return { afterMs: error.retryAfterMs };
  const passing = error instanceof TrytonUnreachableError || error instanceof TrytonTimeoutError;
  return passing && error.method === method && { afterMs: undefined };
}

/**
 * Waits for something that others wait for too. Rejects with `late()` after `ms` and with the signal's reason, while
 * what is waited for goes on.
 */
export function waitFor<T>(
  shared: Promise<T>,
  ms: number,
  late: () => Error,
  signal: AbortSignal | undefined,
): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const timer = setTimeout(() => reject(late()), Math.max(1, ms));
    const release = onAbort(signal, () => reject(signal?.reason));
    shared.then(resolve, reject).finally(() => {
      clearTimeout(timer);
      release();
    });
  });
}

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

/** The outcome of `work`, of which a listener is told, whatever it does with that. */
export async function told<T>(
  listener: (outcome: CallOutcome) => void,
  logger: TrytonLogger,
  method: string,
  work: () => Promise<T>,
): Promise<T> {
  const start = performance.now();
  const tell = (error: Error | null) => {
    try {
      listener({ method, ms: performance.now() - start, error });
    } catch {
      logger.warn({ method }, 'onOutcome failed; its error is ignored');
    }
  };
  try {
    const answer = await work();
    tell(null);
    return answer;
  } catch (error) {
    tell(error instanceof Error ? error : new Error('given up by the caller'));
    throw error;
  }
}

export interface PerformOptions extends CallOptions {
  readonly retries?: number;
  readonly deadlineMs?: number;
}

/** One logical call, context included in its parameters: session, retries, deadline. */
export type Perform = (method: string, params: readonly Wire[], options: PerformOptions) => Promise<Answer>;

export interface CallParts {
  readonly server: string;
  readonly ask: Ask;
  readonly sessions: Sessions;
  readonly settings: Settings;
}

export function createPerform({ server, ask, sessions, settings }: CallParts): Perform {
  const { timeoutMs, onOutcome, logger } = settings;
  const perform: Perform = (method, params, options) => {
    const { signal, retries = settings.retries, deadlineMs = settings.deadlineMs } = options;
    const limits: AttemptOptions = { site: { server, method }, retries, deadlineMs, signal };
    const write = !isRead(method);
    return attempts(limits, (attempt) => {
      const { number, until } = attempt;
      const question = { method, params, write, signal, attempt: number, timeoutMs, until };
      if (isServerMethod(method)) return ask({ ...question, kind: 'root' });
      return withSession(sessions, attempt, async (session) => {
        const asked = { ...question, kind: 'call', session } as const;
        try {
          return await ask(asked);
        } catch (error) {
          if (!isLostSession(error, method) || (await isKnown(ask, asked))) throw error;
          throw lost({ site: limits.site, write }, error);
        }
      });
    });
  };
  if (onOutcome === undefined) return perform;
  return (method, params, options) => told(onOutcome, logger, method, () => perform(method, params, options));
}

/** Refused sessions that one call finds: its own, what others left in the store, and new ones deleted at once. */
const MOST_SESSIONS = 5;

/**
 * A refused session (HTTP 401) is renewed and the call repeated: Tryton looks at it before anything else, so nothing
 * was carried out (trytond 5.0 to 7.0). Throws TrytonSessionError when new ones are refused too.
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
      // Tryton looked at the session before it carried out what failed.
      if (isOfTheCall(error)) sessions.accepted(session);
      if (!(error instanceof TrytonSessionError) || tries === MOST_SESSIONS) throw error;
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

/** Words about a session may be about any record of such a name: whether ours is over is known by using it. */
function isKnown(ask: Ask, asked: Question): Promise<boolean> {
  const preferences = { method: 'model.res.user.get_preferences', params: [true, {}], write: false };
  return ask({ ...asked, ...preferences }).then(
    () => true,
    () => false,
  );
}

/** A read is asked again with a new session; of a write nobody knows whether it came before or after. */
function lost({ site, write }: Sending, cause: unknown): Error {
  if (write) return new TrytonUnknownFateError(site, 'its session was deleted meanwhile', { cause });
  return new TrytonSessionError(site);
}
