import { STATUS_CODES } from 'node:http';
import type { FastifyBaseLogger, FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import { hasZodFastifySchemaValidationErrors } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { errorCode, errorMessage, errorStack, PasserelleError } from '../shared/errors.ts';
import {
  TrytonCircuitOpenError,
  TrytonRateLimitError,
  TrytonUnavailableError,
  TrytonUserError,
  TrytonUserWarning,
} from '../tryton/errors.ts';
import { QueryTimeoutError } from './errors.ts';

/** Codes of Node for a server that cannot be reached. */
const NETWORK =
  /^(ECONN(REFUSED|RESET|ABORTED)|ENOTFOUND|ETIMEDOUT|EPIPE|EHOSTUNREACH|ENETUNREACH|EAI_AGAIN)$/;
/** postgres.js: connections that could not be made, or broke. */
const DRIVER = /^(CONNECT_TIMEOUT|CONNECTION_(CLOSED|ENDED|DESTROYED))$/;
/** SQLSTATE: connection exceptions, refused logins, no such database, too many clients, shutting down, starting up. */
const SQLSTATE = /^(08...|28...|3D000|53300|57P0[1-5])$/;
/** SQLSTATE: a table or column is missing. */
const UNMIGRATED = /^42(P01|703)$/;

/** ioredis has no codes, so names and messages are matched. */
const REDIS =
  /MaxRetriesPerRequestError|ClusterAllFailedError|Connection is closed|Stream isn't writeable|Command timed out|CLUSTERDOWN/;

/** SQLSTATE: a value that PostgreSQL cannot read as its type, or that is out of range. */
const DATA_EXCEPTION = /^22...$/;

/** Whether PostgreSQL refused a value of the request. */
export function isDataException(error: unknown): boolean {
  return DATA_EXCEPTION.test(errorCode(error));
}

/** SQLSTATE query_canceled: by `statement_timeout`, or by a person. */
const CANCELLED = '57014';

type Outage =
  | 'database_unavailable'
  | 'database_busy'
  | 'query_timeout'
  | 'database_not_migrated'
  | 'redis_unavailable';

/** Finds an outage of PostgreSQL or Redis in an error or its causes; null for any other error. */
function outage(error: unknown): Outage | null {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if (REDIS.test(`${cause.name} ${cause.message}`)) return 'redis_unavailable';
    const code = 'code' in cause ? String(cause.code) : '';
    if (code === 'database_busy') return code;
    if (code === CANCELLED) return 'query_timeout';
    if (UNMIGRATED.test(code)) return 'database_not_migrated';
    if (NETWORK.test(code) || DRIVER.test(code) || SQLSTATE.test(code)) return 'database_unavailable';
  }
  return null;
}

/** Retry delay in seconds, by error code. Errors that need an operator (migration, setting, build) have none. */
const RETRY_AFTER: Readonly<Record<string, number>> = {
  not_ready: 5,
  shutting_down: 5,
  too_many_listeners: 5,
  too_many_exports: 10,
  too_many_queries: 5,
  redis_unavailable: 5,
  database_unavailable: 5,
  database_busy: 5,
  tryton_unreachable: 5,
  tryton_unavailable: 5,
  too_many_answers: 2,
};

/** These errors contain their own delay. */
const CODES_WITH_OWN_DELAY = [
  'rate_limited',
  'too_many_logins',
  'tryton_rate_limited',
  'tryton_login_suspended',
];

/** The codes of problems that come with `Retry-After`. */
export const CODES_WITH_RETRY_AFTER: ReadonlySet<string> = new Set([
  ...Object.keys(RETRY_AFTER),
  ...CODES_WITH_OWN_DELAY,
]);

/** Messages for users are returned unchanged; other errors name the failed call. */
function trytonMembers(error: unknown): Pick<Problem, 'detail' | 'warning' | 'retryAfter'> {
  if (error instanceof TrytonUserError) return { detail: words(error) };
  if (error instanceof TrytonUserWarning) return { detail: words(error), warning: error.warning };
  const wait = waitOf(error);
  return wait === undefined ? {} : { retryAfter: Math.max(1, Math.ceil(wait / 1000)) };
}

function waitOf(error: unknown): number | undefined {
  if (error instanceof TrytonCircuitOpenError) return error.until.getTime() - Date.now();
  if (error instanceof TrytonRateLimitError) return error.seconds * 1000;
  return error instanceof TrytonUnavailableError ? error.retryAfterMs : undefined;
}

function words({ detail, description }: TrytonUserError | TrytonUserWarning): string {
  return [detail, description].filter((part) => part !== '').join(' ');
}

/**
 * RFC 9457. `code` is the stable part; `errors` names each field that is wrong, or each check that fails; `warning` is
 * the name of a warning of Tryton; `retryAfter` are seconds, also in the header of that name.
 */
export const problem = z.object({
  type: z.literal('about:blank'),
  title: z.string(),
  status: z.int(),
  code: z.string(),
  detail: z.string().optional(),
  errors: z.array(z.object({ name: z.string(), message: z.string() })).optional(),
  warning: z.string().optional(),
  retryAfter: z.int().optional(),
});
export type Problem = z.infer<typeof problem>;

/** The HTTP status of each code. A code that is not here is our own fault: 500. */
const STATUS: ReadonlyMap<string, number> = new Map(
  Object.entries({
    invalid_request: 400,
    unknown_field: 400,
    unknown_operator: 400,
    bad_value: 400,
    bad_cursor: 400,
    lines_not_included: 400,
    not_many2one: 400,
    relation_not_mirrored: 400,
    not_mirrored: 400,
    too_many_calls: 400,
    tryton_bad_request: 400,
    bad_credentials: 401,
    bad_hook_secret: 401,
    bad_metrics_token: 401,
    missing_key: 401,
    bad_key: 401,
    expired_key: 401,
    revoked_key: 401,
    cross_origin: 403,
    missing_admin_header: 403,
    missing_scope: 403,
    mirror_not_allowed: 403,
    method_not_allowed: 403,
    tryton_method_not_allowed: 403,
    not_found: 404,
    bc_not_found: 404,
    mirror_not_found: 404,
    run_not_found: 404,
    failure_not_found: 404,
    request_timeout: 408,
    client_stalled: 408,
    record_erased: 409,
    run_in_progress: 409,
    tryton_user_warning: 409,
    tryton_concurrency: 409,
    body_too_large: 413,
    answer_too_large: 413,
    batch_too_large: 413,
    url_too_long: 414,
    unsupported_media_type: 415,
    tryton_user_error: 422,
    rate_limited: 429,
    too_many_logins: 429,
    too_many_queries: 429,
    headers_too_large: 431,
    client_gone: 499,
    tryton_error: 502,
    tryton_malformed_answer: 502,
    tryton_unknown_database: 502,
    tryton_bad_credentials: 502,
    tryton_login_suspended: 502,
    tryton_login_step: 502,
    tryton_session_refused: 502,
    dashboard_not_built: 503,
    not_ready: 503,
    shutting_down: 503,
    too_many_listeners: 503,
    odoo_not_configured: 503,
    too_many_exports: 503,
    too_many_answers: 503,
    tryton_not_configured: 503,
    tryton_rate_limited: 503,
    tryton_unreachable: 503,
    tryton_unavailable: 503,
    redis_unavailable: 503,
    database_unavailable: 503,
    database_busy: 503,
    query_timeout: 503,
    database_not_migrated: 503,
    batch_timeout: 504,
    tryton_timeout: 504,
    tryton_unknown_fate: 504,
  }),
);

const FRAMEWORK: Readonly<Record<string, string>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: 'body_too_large',
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'unsupported_media_type',
};

const OUTAGE = {
  database_unavailable: 'PostgreSQL does not answer; try again in a moment.',
  database_busy: 'Too many queries wait for PostgreSQL; try again in a moment.',
  query_timeout: new QueryTimeoutError().message,
  database_not_migrated: 'The database lacks a migration; run `passerelle migrate`.',
  redis_unavailable: 'Redis does not answer; try again in a moment.',
} as const;

export function makeProblem(code: string, detail?: string, errors?: Problem['errors']): Problem {
  const status = STATUS.get(code) ?? 500;
  const retryAfter = RETRY_AFTER[code];
  return {
    type: 'about:blank',
    title: STATUS_CODES[status] ?? 'Error',
    status,
    code: status === 500 ? 'internal_error' : code,
    ...(status === 500 || detail === undefined ? {} : { detail }),
    ...(errors === undefined ? {} : { errors }),
    ...(retryAfter === undefined ? {} : { retryAfter }),
  };
}

/** Converts any thrown value into an answer. Messages that may be unsafe are left out. */
export function toProblem(error: unknown): Problem {
  if (hasZodFastifySchemaValidationErrors(error)) return invalidRequest(error);
  if (error instanceof PasserelleError) {
    return { ...makeProblem(error.code, error.message), ...trytonMembers(error) };
  }
  const down = outage(error);
  if (down !== null) return makeProblem(down, OUTAGE[down]);
  const { statusCode = 500, code = '', message } = error as Partial<FastifyError>;
  return statusCode >= 400 && statusCode < 500
    ? makeProblem(FRAMEWORK[code] ?? 'invalid_request', message)
    : makeProblem('internal_error');
}

function invalidRequest(error: FastifyError): Problem {
  const where = error.validationContext ?? 'request';
  const errors = (error.validation ?? []).map(({ instancePath, message }) => ({
    name: [where, ...instancePath.split('/').filter((part) => part !== '')].join('.'),
    message: message ?? 'is not valid',
  }));
  const detail = errors.map(({ name, message }) => `${name}: ${message}`).join('; ');
  return makeProblem('invalid_request', detail, errors);
}

export async function sendProblem(reply: FastifyReply, answer: Problem): Promise<FastifyReply> {
  if (answer.retryAfter !== undefined) reply.header('retry-after', answer.retryAfter);
  return reply.code(answer.status).type('application/problem+json').send(answer);
}

/** Logs errors that the caller did not cause, with a stack only for our own faults. */
export function logProblem(log: FastifyBaseLogger, error: unknown, { status, code }: Problem): void {
  // Without the parameters of a statement, which may be data of the mirror.
  if (status === 500)
    log.error(
      { code, cause: errorCode(error), reason: errorMessage(error), stack: errorStack(error) },
      'request failed',
    );
  else if (status > 500)
    log.warn({ code, reason: errorMessage(error) || errorCode(error) }, 'request refused for now');
}

/** Answers every error of every route, and logs it. */
export async function handleError(error: unknown, request: FastifyRequest, reply: FastifyReply) {
  const answer = toProblem(error);
  logProblem(request.log, error, answer);
  return sendProblem(reply, answer);
}

/** Example details of problems, by code. Others have only a title. */
export const PROBLEM_DETAILS: Readonly<Record<string, string>> = {
  invalid_request: 'querystring.limit: a whole number from 1 to 500',
  unknown_field: 'fields: there is no field "nom"; there are id, name, state.',
  unknown_operator: 'filter[urgent]: a boolean field has no operator "gt"; it has eq, ne, null.',
  bad_value: 'filter[amount_total][gte]: expected a number such as 12 or 12.5, not "much".',
  bad_cursor: 'cursor: it belongs to another sort or filter, or is damaged; ask for the first page again.',
  lines_not_included:
    'line_fields: it chooses the fields of lines that come with include=lines; add that too.',
  not_many2one:
    'include: state is a selection field, and only records of many2one fields are included; partner_id can be.',
  relation_not_mirrored:
    'include: user_id refers to res.users, which no mirror has. There are bc (dimagaz.bc), partners (res.partner). Add a mirror with "model: res.users" to MIRRORS_FILE.',
  not_mirrored: 'The model res.partner is not mirrored. Send webhooks of dimagaz.bc or dimagaz.bc.line.',
  too_many_calls: 'body: 101 calls in one batch; at most 100 are allowed. Nothing was sent.',
  answer_too_large:
    'Tryton at https://erp.example/tryton/, call model.party.party.read: the answer has more than 8388608 bytes. Ask for fewer records or fields at once, or raise TRYTON_MAX_ANSWER.',
  batch_too_large:
    'The answers of the batch have more than 33554432 bytes together; ask for this one again, in a smaller batch.',
  too_many_answers:
    'Tryton at https://erp.example/tryton/, call model.party.party.read: this process holds too many large answers to read another one. Try again in a moment.',
  missing_key: 'Send an API key in the header Authorization: Bearer psl_...',
  missing_scope: 'This needs the scope bc:read; the key has tryton:call.',
  mirror_not_allowed:
    'This key reaches only the mirrors bc, not "partners". Use one of them, or a key that was created with --mirror partners.',
  bad_hook_secret: 'The secret of the webhook is missing or wrong.',
  bad_metrics_token: 'The token is missing or wrong.',
  method_not_allowed:
    "This key does not reach model.party.party.write; a key made with --scope tryton:call --method 'model.party.party.write' does.",
  mirror_not_found: 'There is no mirror "partner"; there are bc, partners.',
  bc_not_found: 'No BC with Odoo id 43 is in the mirror; POST /api/v1/bc/43/resync asks Odoo for it.',
  run_not_found: 'No run 999; GET /api/v1/sync/runs lists them.',
  failure_not_found: 'BC 43 has no open failure; GET /api/v1/sync/failures lists them.',
  record_erased:
    'Record 43 of the mirror bc was erased on request, so it is not read. "passerelle erase bc 43 --lift" undoes that.',
  run_in_progress: 'A run is in progress; try again when it is over.',
  rate_limited: 'More than 30000 requests per minute with this key; go on in 12 s.',
  too_many_queries:
    '5 queries of this key are running already. Send fewer requests at the same time, or narrow the filters.',
  too_many_exports: 'An export of this key is running already; try again once it is over.',
  odoo_not_configured:
    'No Odoo is configured; set ODOO_URL, ODOO_DB, ODOO_USER and ODOO_PASSWORD, then start again.',
  tryton_not_configured:
    'No Tryton is configured; set TRYTON_RPC_URL, TRYTON_USER and TRYTON_PASSWORD, then start again.',
  redis_unavailable: 'Redis does not answer; try again in a moment.',
  database_unavailable: 'PostgreSQL does not answer; try again in a moment.',
  not_ready: 'redis: does not answer',
};
