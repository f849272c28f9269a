import { isPlainText, PasserelleError } from '../shared/errors.ts';

/** The target of a call. Every message names it. */
export interface CallSite {
  /** `https://erp.example/ (database prod)`. */
  readonly target: string;
  /** `dimagaz.bc.read`, or `version`, or `authenticate`. */
  readonly call: string;
  /** The login. */
  readonly user: string;
  /** The model, if the call has one. */
  readonly model?: string;
}

const at = (site: CallSite) => `Odoo at ${site.target}, call ${site.call}`;

/** An error whose message has a text of Odoo, or a part of its answer. Both may quote values of records. */
export abstract class OdooQuotingError extends PasserelleError {
  /** The same error without that text. */
  abstract withoutQuote(): OdooQuotingError;
}

const UNQUOTED = '(not shown, because it may quote a field with a policy; see the log of Odoo)';

/**
 * No connection to Odoo: refused, reset, unknown host, an invalid certificate, or a server without HTTPS.
 *
 * @fix Check ODOO_URL and that Odoo is up. The next run continues where this one stopped.
 */
export class OdooUnreachableError extends PasserelleError {
  readonly code = 'odoo_unreachable';
  override readonly retryable = true;
  constructor(site: CallSite, reason: string, options?: ErrorOptions) {
    super(
      isPlainText(options?.cause)
        ? `${at(site)}: this server speaks plain HTTP, not HTTPS. Write http:// in ODOO_URL, or its port for HTTPS.`
        : `${at(site)}: no connection (${reason}). Check ODOO_URL and that the server is up.`,
      options,
    );
  }
}

/**
 * The call did not end within ODOO_TIMEOUT_MS, counted from connecting to the last byte.
 *
 * @fix Raise ODOO_TIMEOUT_MS, or lower SYNC_PAGE_SIZE so that a call reads less. The next run continues where this one
 * stopped.
 */
export class OdooTimeoutError extends PasserelleError {
  readonly code = 'odoo_timeout';
  override readonly retryable = true;
  constructor(site: CallSite, timeoutMs: number, options?: ErrorOptions) {
    super(
      `${at(site)}: no complete answer within ${timeoutMs} ms. The server is too slow or hangs; ` +
        'raise ODOO_TIMEOUT_MS or ask for less per call (SYNC_PAGE_SIZE).',
      options,
    );
  }
}

/**
 * Odoo refused the login. The next attempt waits 1 to 15 minutes, because Odoo locks out clients after repeated
 * failures.
 *
 * @fix Check ODOO_USER and ODOO_PASSWORD, then restart the workers. An API key may have expired, and JSON-2 accepts API
 * keys only. See docs/how-to/runbook.md#rotate-the-odoo-key.
 */
export class OdooAuthError extends PasserelleError {
  readonly code = 'odoo_bad_credentials';
  readonly #site: CallSite;
  constructor(site: CallSite, notBefore?: Date) {
    const pause =
      notBefore === undefined
        ? ''
        : ` This process does not try it again before ${notBefore.toISOString()}; one that is restarted tries at once.`;
    super(
      `${at(site)}: the login of ${site.user} was refused. Check ODOO_USER and ODOO_PASSWORD. API keys expire, ` +
        `and JSON-2 accepts API keys only. After several failures Odoo refuses the right password too, for a minute.${pause}`,
    );
    this.#site = site;
  }

  /** The same refusal, with the time of the next login. */
  notBefore(moment: Date): OdooAuthError {
    return new OdooAuthError(this.#site, moment);
  }
}

/**
 * The Odoo user signed in, but its access rights or record rules forbid the call.
 *
 * @fix Give ODOO_USER read access to the models and their records in Odoo. Later runs retry by themselves. `passerelle
 * retry --all` reads failed BCs at once.
 */
export class OdooAccessError extends OdooQuotingError {
  readonly code = 'odoo_access_denied';
  readonly #site: CallSite;
  constructor(site: CallSite, detail: string) {
    super(`${at(site)}: access denied. Give the user of ODOO_USER read access. Odoo says: ${detail}`);
    this.#site = site;
  }

  withoutQuote(): OdooAccessError {
    return new OdooAccessError(this.#site, UNQUOTED);
  }
}

/**
 * The server answers but has no database with the name in ODOO_DB.
 *
 * @fix Check ODOO_DB, and that Odoo can open this database.
 */
export class OdooDatabaseError extends PasserelleError {
  readonly code = 'odoo_unknown_database';
  constructor(site: CallSite) {
    super(`${at(site)}: there is no such database, or the server cannot open it. Check ODOO_DB.`);
  }
}

/**
 * The Odoo database does not have this model. The name is wrong, or its module is not installed.
 *
 * @fix Check ODOO_MODEL and ODOO_LINE_MODEL, and install the module in Odoo that defines them.
 */
export class OdooModelError extends PasserelleError {
  readonly code = 'odoo_unknown_model';
  constructor(site: CallSite, model: string) {
    super(
      `${at(site)}: there is no model ${model}. Check ODOO_MODEL and ODOO_LINE_MODEL, ` +
        'and that the module which defines it is installed.',
    );
  }
}

/**
 * The Odoo model does not have this field, or no longer has it.
 *
 * @fix Nothing: the worker reads the fields of the model again and repeats the call. If the error stays, upgrade the
 * module of the model in Odoo, because its tables may be older than its code.
 */
export class OdooFieldError extends PasserelleError {
  readonly code = 'odoo_unknown_field';
  constructor(site: CallSite, detail: string) {
    super(`${at(site)}: unknown field. Read the model's fields again. Odoo says: ${detail}`);
  }
}

/**
 * The database of Odoo failed the call: PostgreSQL restarts, or two transactions conflicted.
 *
 * @fix Nothing: the worker retries the call. If the error stays, check the PostgreSQL server of Odoo.
 */
export class OdooStorageError extends OdooQuotingError {
  readonly code = 'odoo_storage_trouble';
  override readonly retryable = true;
  readonly #site: CallSite;
  constructor(site: CallSite, detail: string) {
    super(`${at(site)}: Odoo has trouble with its own database. It says: ${detail}`);
    this.#site = site;
  }

  withoutQuote(): OdooStorageError {
    return new OdooStorageError(this.#site, UNQUOTED);
  }
}

/**
 * Odoo reported another error. The message is Odoo's own, without the traceback.
 *
 * @fix Search the log of Odoo for the message. Correct the record or the module in Odoo, then run `passerelle retry
 * --all`.
 */
export class OdooApplicationError extends OdooQuotingError {
  readonly code = 'odoo_application_error';
  readonly #site: CallSite;
  constructor(site: CallSite, detail: string) {
    super(`${at(site)}: Odoo reports an error: ${detail}`);
    this.#site = site;
  }

  withoutQuote(): OdooApplicationError {
    return new OdooApplicationError(this.#site, UNQUOTED);
  }
}

/**
 * Odoo sent an answer that breaks the protocol: an HTML page, an empty or truncated answer, or a value that cannot be
 * parsed.
 *
 * @fix Check ODOO_URL. If it is right, check the proxy in front of Odoo and the log of Odoo. The worker retries the
 * call.
 */
export class OdooMalformedError extends OdooQuotingError {
  readonly code = 'odoo_malformed_answer';
  override readonly retryable = true;
  readonly #site: CallSite;
  constructor(site: CallSite, reason: string, options?: ErrorOptions) {
    super(`${at(site)}: unusable answer: ${reason}`, options);
    this.#site = site;
  }

  withoutQuote(): OdooMalformedError {
    return new OdooMalformedError(this.#site, UNQUOTED);
  }
}

/**
 * The answer of Odoo is longer than ODOO_MAX_ANSWER. A page is then read in halves; a BC fails with this code if its
 * own answer is too long.
 *
 * @fix Raise ODOO_MAX_ANSWER and the memory of the workers, or set `SYNC_BINARIES=off`. Restart the workers, then run
 * `passerelle retry --all`.
 */
export class OdooAnswerTooLargeError extends PasserelleError {
  readonly code = 'odoo_answer_too_large';
  constructor(site: CallSite, maxBytes: number) {
    super(
      `${at(site)}: the answer has more than ${maxBytes} bytes. Raise ODOO_MAX_ANSWER, and the memory of the ` +
        'worker with it, or leave the contents of binary fields out with SYNC_BINARIES=off.',
    );
  }
}

/**
 * Odoo or a proxy answered with status 429, 502, 503 or 504, also after the retries.
 *
 * @fix With 429, lower ODOO_CONCURRENCY or set ODOO_CALLS_PER_SECOND. With another status, check Odoo and its proxy.
 * The next run continues where this one stopped.
 */
export class OdooUnavailableError extends PasserelleError {
  readonly code = 'odoo_unavailable';
  override readonly retryable = true;
  /** How long the server asked us to wait, if it said so. */
  readonly retryAfterMs: number | undefined;
  constructor(site: CallSite, status: number, retryAfterMs: number | undefined) {
    const wait = retryAfterMs === undefined ? '' : ` It asks to wait ${Math.ceil(retryAfterMs / 1000)} s.`;
    const advice =
      status === 429
        ? 'Too many calls: lower ODOO_CONCURRENCY or set ODOO_CALLS_PER_SECOND.'
        : 'The server or its proxy is overloaded or restarting.';
    super(`${at(site)}: HTTP ${status}. ${advice}${wait}`);
    this.retryAfterMs = retryAfterMs;
  }
}

/**
 * ODOO_URL is not the address of an Odoo API: it answers 404 or redirects.
 *
 * @fix Set ODOO_URL to the root of the server, or to the address that the redirect names. Add a path only if a proxy
 * adds one. Check ODOO_PROTOCOL.
 */
export class OdooEndpointError extends PasserelleError {
  readonly code = 'odoo_wrong_url';
  readonly status: number;
  constructor(site: CallSite, status: number, path: string, location: string | undefined) {
    super(
      location === undefined
        ? `${at(site)}: HTTP ${status}: no ${path} there. ODOO_URL must be the server's root (with a path ` +
            'prefix only if a proxy adds one), and the server must offer this protocol (ODOO_PROTOCOL).'
        : `${at(site)}: HTTP ${status}: redirected to ${location}. Set ODOO_URL to the final address.`,
    );
    this.status = status;
  }
}

/**
 * The fields of the models do not connect header and lines.
 *
 * @fix Check ODOO_MODEL and ODOO_LINE_MODEL. If several fields fit, set ODOO_LINES_FIELD to the one2many field of the
 * lines.
 */
export class OdooLinkError extends PasserelleError {
  readonly code = 'odoo_lines_link';
}
