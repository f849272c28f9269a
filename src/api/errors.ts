import { PasserelleError } from '../errors.ts';

export class BcNotFoundError extends PasserelleError {
  override readonly name = 'BcNotFoundError';
  readonly code = 'bc_not_found';
  constructor(odooId: number) {
    super(
      `No BC with Odoo id ${odooId} is in the mirror; POST /api/v1/bc/${odooId}/resync asks Odoo for it.`,
    );
  }
}

export class RunNotFoundError extends PasserelleError {
  override readonly name = 'RunNotFoundError';
  readonly code = 'run_not_found';
  constructor(runId: number) {
    super(`No run ${runId}; GET /api/v1/sync/runs lists them.`);
  }
}

export class FailureNotFoundError extends PasserelleError {
  override readonly name = 'FailureNotFoundError';
  readonly code = 'failure_not_found';
  constructor(odooId: number) {
    super(`BC ${odooId} has no open failure; GET /api/v1/sync/failures lists them.`);
  }
}

/** The mirror is switched off: there is no Odoo to ask. */
export class OdooNotConfiguredError extends PasserelleError {
  override readonly name = 'OdooNotConfiguredError';
  readonly code = 'odoo_not_configured';
  constructor() {
    super('No Odoo is configured; set ODOO_URL, ODOO_DB, ODOO_USER and ODOO_PASSWORD, then start again.');
  }
}

/** There is no gateway. */
export class TrytonNotConfiguredError extends PasserelleError {
  override readonly name = 'TrytonNotConfiguredError';
  readonly code = 'tryton_not_configured';
  constructor() {
    super('No Tryton is configured; set TRYTON_RPC_URL, TRYTON_USER and TRYTON_PASSWORD, then start again.');
  }
}

export class TooManyCallsError extends PasserelleError {
  override readonly name = 'TooManyCallsError';
  readonly code = 'too_many_calls';
  constructor(calls: number, most: number) {
    super(`body: ${calls} calls in one batch; at most ${most} are allowed. Nothing was sent.`);
  }
}

/** A call of a batch whose turn came too late. */
export class BatchTimeoutError extends PasserelleError {
  override readonly name = 'BatchTimeoutError';
  readonly code = 'batch_timeout';
  override readonly retryable = true;
  constructor(ms: number) {
    super(`Not sent: the calls before it took more than ${ms} ms. Ask for it again, in a smaller batch.`);
  }
}

/** The body cannot be read. Nothing of it is quoted: it may hold anything. */
export class BadJsonError extends PasserelleError {
  override readonly name = 'BadJsonError';
  readonly code = 'invalid_request';
  constructor(problem: string) {
    super(`body: ${problem}.`);
  }
}

/** Who asked has closed the connection: nobody reads the answer. */
export class ClientGoneError extends PasserelleError {
  override readonly name = 'ClientGoneError';
  readonly code = 'client_gone';
  constructor() {
    super('The client closed the connection before it was answered.');
  }
}

export class RedisUnavailableError extends PasserelleError {
  override readonly name = 'RedisUnavailableError';
  readonly code = 'redis_unavailable';
  override readonly retryable = true;
  constructor(options?: ErrorOptions) {
    super('Redis does not answer; try again in a moment.', options);
  }
}

/** A filter, a sort or a choice of fields names what the model does not have, or what cannot be used so. */
export class UnknownFieldError extends PasserelleError {
  override readonly name = 'UnknownFieldError';
  readonly code = 'unknown_field';
  constructor(parameter: string, field: string, known: readonly string[]) {
    super(
      known.length === 0
        ? `${parameter}: the fields are not known yet; start a run at /api/v1/sync/runs first.`
        : `${parameter}: there is no field ${JSON.stringify(field)}; there are ${known.join(', ')}.`,
    );
  }
}

export class UnknownOperatorError extends PasserelleError {
  override readonly name = 'UnknownOperatorError';
  readonly code = 'unknown_operator';
  constructor(field: string, type: string, operator: string, known: readonly string[]) {
    super(
      `filter[${field}]: a ${type} field has no operator ${JSON.stringify(operator)}; it has ${known.join(', ')}.`,
    );
  }
}

export class BadValueError extends PasserelleError {
  override readonly name = 'BadValueError';
  readonly code = 'bad_value';
  constructor(parameter: string, given: string, expected: string) {
    super(`${parameter}: expected ${expected}, not ${JSON.stringify(given)}.`);
  }
}

export class BadCursorError extends PasserelleError {
  override readonly name = 'BadCursorError';
  readonly code = 'bad_cursor';
  constructor() {
    super('cursor: it belongs to another sort or filter, or is damaged; ask for the first page again.');
  }
}

export class BadFeedCursorError extends PasserelleError {
  override readonly name = 'BadFeedCursorError';
  readonly code = 'bad_cursor';
  constructor() {
    super('after: this is no nextCursor of /api/v1/bc/changes; leave it out to begin with the first change.');
  }
}

/** A choice of the fields of lines, in a request that asks for no lines. */
export class LinesNotIncludedError extends PasserelleError {
  override readonly name = 'LinesNotIncludedError';
  readonly code = 'lines_not_included';
  constructor() {
    super('line_fields: it chooses the fields of lines that come with include=lines; add that too.');
  }
}

/** PostgreSQL cancelled a statement that took longer than API_STATEMENT_TIMEOUT. */
export class QueryTimeoutError extends PasserelleError {
  override readonly name = 'QueryTimeoutError';
  readonly code = 'query_timeout';
  constructor() {
    super(
      'PostgreSQL cancelled the query: it took longer than API_STATEMENT_TIMEOUT. Narrow the filter, or leave out count=exact.',
    );
  }
}

/** An export holds a connection of PostgreSQL for as long as it lasts. */
export class TooManyExportsError extends PasserelleError {
  override readonly name = 'TooManyExportsError';
  readonly code = 'too_many_exports';
  override readonly retryable = true;
  constructor(most: number) {
    super(`${most} exports are running already; try again once one of them is over.`);
  }
}
