import { errorCode, errorMessage } from '../shared/errors.ts';
import { TrytonTimeoutError, TrytonUnreachableError } from './errors.ts';
import type { Perform, PerformOptions } from './rpc/call.ts';
import type { Sessions } from './session/session-manager.ts';
import type { Answer, CallOptions, PingReport, Wire } from './types.ts';

interface PingParts {
  readonly perform: Perform;
  readonly sessions: Sessions;
  readonly clock: () => number;
  /** Limit of each of the two calls, including a login. A call that takes longer continues in the background. */
  readonly timeoutMs: number;
  /** The default context of calls. */
  readonly context: Wire;
}

interface Try {
  readonly ms: number;
  readonly answer: Answer | null;
  readonly error: unknown;
}

const NOT_TRIED: Try = { ms: 0, answer: null, error: undefined };

/**
 * Requests the version of the server, without a session, and the preferences of the user, with one; each once. Signs in
 * if needed, unless logins are paused.
 *
 * Throws only the reason of the signal.
 */
export async function ping(parts: PingParts, options: CallOptions): Promise<PingReport> {
  const { perform, sessions, clock, context } = parts;
  const limits = { ...options, retries: 0, deadlineMs: parts.timeoutMs };
  const anonymous = await tried(perform, 'common.server.version', [], limits);
  const { error: silence } = anonymous;
  const isSilent = silence instanceof TrytonUnreachableError || silence instanceof TrytonTimeoutError;
  const authenticated = isSilent
    ? NOT_TRIED
    : await tried(perform, 'model.res.user.get_preferences', [true, context], limits);
  const version = anonymous.answer?.result;
  const circuit = await sessions.circuit().catch(() => null);
  const session = sessions.peek();
  const error = anonymous.error ?? authenticated.error;
  const answered = [authenticated, anonymous].find(({ answer }) => answer !== null);
  return {
    reachable: answered !== undefined,
    authenticated: authenticated.answer !== null,
    version: typeof version === 'string' ? version : null,
    latencyMs: answered === undefined ? null : Math.round(answered.ms),
    sessionAgeMs: session === null ? null : Math.max(0, clock() - session.createdAt),
    circuit,
    error: error === undefined ? null : { code: errorCode(error), message: errorMessage(error) },
  };
}

async function tried(
  perform: Perform,
  method: string,
  params: readonly Wire[],
  options: PerformOptions,
): Promise<Try> {
  const start = performance.now();
  try {
    const answer = await perform(method, params, options);
    return { ms: performance.now() - start, answer, error: undefined };
  } catch (error) {
    options.signal?.throwIfAborted();
    return { ms: performance.now() - start, answer: null, error };
  }
}
