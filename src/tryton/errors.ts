import { isPlainText, PasserelleError } from '../shared/errors.ts';
import type { CallSite, OpenCircuit } from './types.ts';

/** Base class of all errors of a Tryton call. It contains no parameter, password, session key or traceback. */
export abstract class TrytonError extends PasserelleError {
  readonly method: string;
  /** The message without the target of the call. */
  readonly text: string;
  constructor({ server, method }: CallSite, text: string, options?: ErrorOptions) {
    super(`Tryton at ${server}, call ${method}: ${text}`, options);
    this.method = method;
    this.text = text;
  }
}

/**
 * Tryton reported another error. The message is Tryton's own, without the traceback.
 *
 * @fix Check the parameters of the call. If they are right, search the log of Tryton for the message.
 */
export class TrytonRpcError extends TrytonError {
  readonly code = 'tryton_error';
  constructor(site: CallSite, detail: string) {
    super(site, `the server reports an error: ${detail}`);
  }
}

/**
 * Tryton refused the call by its rules or access rights. The message is meant for the user.
 *
 * @fix Show the message to the user. Correct the values of the call, or the rights of TRYTON_USER in Tryton.
 */
export class TrytonUserError extends TrytonError {
  readonly code = 'tryton_user_error';
  /** Tryton's message and description. */
  readonly detail: string;
  readonly description: string;
  constructor(site: CallSite, detail: string, description: string) {
    super(site, [detail, description].filter((part) => part !== '').join(' '));
    this.detail = detail;
    this.description = description;
  }
}

/**
 * Tryton asks for a confirmation. The client never confirms by itself: a person has to read the warning.
 *
 * @fix Show the warning to a person. To confirm it, create a record of `res.user.warning` with its name, then repeat
 * the call. See docs/how-to/use-the-gateway.md#errors.
 */
export class TrytonUserWarning extends TrytonError {
  readonly code = 'tryton_user_warning';
  /** Confirm it with this name: create a record of `res.user.warning` with it, as the same user. */
  readonly warning: string;
  readonly detail: string;
  readonly description: string;
  constructor(site: CallSite, warning: string, detail: string, description: string) {
    super(site, `warning ${warning}: ${[detail, description].filter((part) => part !== '').join(' ')}`);
    this.warning = warning;
    this.detail = detail;
    this.description = description;
  }
}

/**
 * Another user changed the record after it was read (`_timestamp` in the context).
 *
 * @fix Read the record again, then repeat the change with the new `_timestamp`.
 */
export class TrytonConcurrencyError extends TrytonError {
  readonly code = 'tryton_concurrency';
  constructor(site: CallSite, detail: string) {
    super(site, `the record was changed meanwhile; read it again. ${detail}`.trim());
  }
}

/**
 * Tryton does not have this method or does not offer it to clients (HTTP 403). The session stays valid.
 *
 * @fix Check the name of the method, and that its module is active in Tryton. Call only methods of `__rpc__`.
 */
export class TrytonMethodNotAllowedError extends TrytonError {
  readonly code = 'tryton_method_not_allowed';
  constructor(site: CallSite) {
    super(site, 'the server does not offer this method to clients (HTTP 403). Check its name.');
  }
}

/**
 * Tryton or a proxy answered 429: too many requests or too many failed logins.
 *
 * @fix Wait for the seconds of `Retry-After`. Send fewer calls, or cache reads with the member `cache`.
 */
export class TrytonRateLimitError extends TrytonError {
  readonly code = 'tryton_rate_limited';
  override readonly retryable = true;
  /** Seconds to wait. */
  readonly seconds: number;
  constructor(site: CallSite, seconds: number) {
    super(site, `too many requests (HTTP 429). Wait ${seconds} s.`);
    this.seconds = seconds;
  }
}

/**
 * The call did not end in time, all retries included. If it was a write, it was not sent.
 *
 * @fix Try again. If it repeats, ask for less per call, or raise TRYTON_TIMEOUT_MS and TRYTON_DEADLINE_MS.
 */
export class TrytonTimeoutError extends TrytonError {
  readonly code = 'tryton_timeout';
  override readonly retryable = true;
  constructor(site: CallSite, limitMs: number, options?: ErrorOptions) {
    super(site, `no complete answer within ${limitMs} ms. The server is too slow or hangs.`, options);
  }
}

/**
 * No connection to Tryton: refused, reset, unknown host, an invalid certificate, or a server without HTTPS. If the call
 * was a write, it was not sent.
 *
 * @fix Check TRYTON_RPC_URL and that Tryton is up, then try again. `passerelle tryton ping` shows the reason.
 */
export class TrytonUnreachableError extends TrytonError {
  readonly code = 'tryton_unreachable';
  override readonly retryable = true;
  constructor(site: CallSite, reason: string, options?: ErrorOptions) {
    super(
      site,
      isPlainText(options?.cause)
        ? 'this server speaks plain HTTP, not HTTPS. Write http:// in TRYTON_RPC_URL, or its port for HTTPS.'
        : `no connection (${reason}). Check TRYTON_RPC_URL and that the server is up.`,
      options,
    );
  }
}

/**
 * A proxy answered 502, 503 or 504, also after the retries: it cannot reach Tryton.
 *
 * @fix Try again after `Retry-After`. If it repeats, check Tryton and its proxy.
 */
export class TrytonUnavailableError extends TrytonError {
  readonly code = 'tryton_unavailable';
  override readonly retryable = true;
  readonly retryAfterMs: number | undefined;
  constructor(site: CallSite, status: number, retryAfterMs: number | undefined) {
    super(site, `HTTP ${status}. The server or its proxy is overloaded or restarting.`);
    this.retryAfterMs = retryAfterMs;
  }
}

/**
 * Tryton sent an answer that breaks the protocol: an HTML page, a truncated answer, or an unexpected status.
 *
 * @fix Check TRYTON_RPC_URL. If it is right, check the proxy in front of Tryton and the log of Tryton.
 */
export class TrytonMalformedError extends TrytonError {
  readonly code = 'tryton_malformed_answer';
  constructor(site: CallSite, reason: string, options?: ErrorOptions) {
    super(site, `unusable answer: ${reason}`, options);
  }
}

/**
 * The answer of Tryton is longer than TRYTON_MAX_ANSWER.
 *
 * @fix Ask for fewer records or fields at once, or raise TRYTON_MAX_ANSWER.
 */
export class TrytonAnswerTooLargeError extends TrytonError {
  readonly code = 'answer_too_large';
  constructor(site: CallSite, maxBytes: number) {
    super(
      site,
      `the answer has more than ${maxBytes} bytes. Ask for fewer records or fields at once, or raise TRYTON_MAX_ANSWER.`,
    );
  }
}

/**
 * The answers in the memory of this process leave no room for another large one.
 *
 * @fix Try again after `Retry-After`. If it repeats, ask for fewer records or fields per call.
 */
export class TrytonNoRoomError extends TrytonError {
  readonly code = 'too_many_answers';
  override readonly retryable = true;
  constructor(site: CallSite) {
    super(site, 'this process holds too many large answers to read another one. Try again in a moment.');
  }
}

/**
 * Tryton has no database with this name (HTTP 404, or an error of its database driver).
 *
 * @fix Set the path of TRYTON_RPC_URL to the name of the database, as in `http://tryton:8000/tryton/`.
 */
export class TrytonDatabaseError extends TrytonError {
  readonly code = 'tryton_unknown_database';
  constructor(site: CallSite) {
    super(site, 'there is no such database. The path of TRYTON_RPC_URL must be its name, as in /tryton/.');
  }
}

/**
 * A write was sent and its result was lost, so its outcome is unknown. It is never sent twice.
 *
 * @fix Check in Tryton whether the write was carried out. Send it again only if it was not.
 */
export class TrytonUnknownFateError extends TrytonError {
  readonly code = 'tryton_unknown_fate';
  constructor(site: CallSite, reason: string, options?: ErrorOptions) {
    super(
      site,
      `sent, but no usable answer came (${reason}): it may have been carried out. Read before sending it again.`,
      options,
    );
  }
}

/**
 * The call cannot be sent: the method name or a value is not valid.
 *
 * @fix Correct the method name or the value that the message names. If the call is too long, send less at once.
 */
export class TrytonRequestError extends PasserelleError {
  readonly code = 'tryton_bad_request';
}

/**
 * No session: the login or the session failed.
 *
 * @fix Check TRYTON_USER and TRYTON_PASSWORD with `passerelle tryton ping`, then restart the API. See
 * docs/how-to/runbook.md#rotate-the-tryton-password.
 */
export class TrytonAuthError extends TrytonError {
  readonly code: string = 'tryton_bad_credentials';
  constructor(
    site: CallSite,
    text = 'login and password were refused. Check TRYTON_USER and TRYTON_PASSWORD.',
  ) {
    super(site, text);
  }
}

/**
 * Tryton refused a login a short time ago. No further login is sent until the cooldown ends, because Tryton locks
 * accounts.
 *
 * @fix Correct TRYTON_USER and TRYTON_PASSWORD, then restart the API. If they are right, wait for the seconds of
 * `Retry-After`. TRYTON_LOGIN_COOLDOWN sets the cooldown.
 */
export class TrytonCircuitOpenError extends TrytonAuthError {
  override readonly code = 'tryton_login_suspended';
  /** When the next login may be attempted. */
  readonly until: Date;
  constructor(site: CallSite, { until, reason }: OpenCircuit) {
    const moment = new Date(until);
    super(site, `no login is tried before ${moment.toISOString()}, because the last one failed: ${reason}`);
    this.until = moment;
  }
}

/**
 * The login needs more than a password, for example a second factor.
 *
 * @fix Set TRYTON_USER to a user that signs in with a password only, then restart the API.
 */
export class TrytonLoginStepError extends TrytonAuthError {
  override readonly code = 'tryton_login_step';
  constructor(site: CallSite, step: string, words: string) {
    super(
      site,
      `the login asks for ${JSON.stringify(step)} (${words}), which a service cannot answer. ` +
        'Use a Tryton user that signs in with a password alone.',
    );
  }
}

/**
 * Tryton refused a session that it had just created (HTTP 401 twice).
 *
 * @fix Check the log of Tryton, and that a proxy in front of it passes the header `Authorization` unchanged.
 */
export class TrytonSessionError extends TrytonAuthError {
  override readonly code = 'tryton_session_refused';
  constructor(site: CallSite) {
    super(
      site,
      'the session was refused (HTTP 401), and so was a new one. Check the server and what stands before it.',
    );
  }
}
