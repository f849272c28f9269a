import { STATUS_CODES } from 'node:http';
import type { FastifyBaseLogger, FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import { hasZodFastifySchemaValidationErrors } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { errorCode, errorMessage, PasserelleError } from '../errors.ts';
import { QueryTimeoutError } from './errors.ts';
import { outage } from './outage.ts';
import { RETRY_AFTER } from './retry-after.ts';
import { trytonMembers } from './tryton-problem.ts';

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

/** The problem answers of any route, for its schema. */
const problemResponse = {
  description: 'Problem',
  content: { 'application/problem+json': { schema: problem } },
};
export const problemResponses = { '4xx': problemResponse, '5xx': problemResponse };

/** The one place where a code becomes an HTTP status. A code that is not here is our own fault: 500. */
const STATUS: Readonly<Record<string, number>> = {
  invalid_request: 400,
  unknown_field: 400,
  unknown_operator: 400,
  bad_value: 400,
  bad_cursor: 400,
  lines_not_included: 400,
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
  method_not_allowed: 403,
  tryton_method_not_allowed: 403,
  not_found: 404,
  bc_not_found: 404,
  run_not_found: 404,
  failure_not_found: 404,
  run_in_progress: 409,
  tryton_user_warning: 409,
  tryton_concurrency: 409,
  request_timeout: 408,
  body_too_large: 413,
  url_too_long: 414,
  unsupported_media_type: 415,
  tryton_user_error: 422,
  rate_limited: 429,
  too_many_logins: 429,
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
  tryton_not_configured: 503,
  tryton_rate_limited: 503,
  tryton_unreachable: 503,
  tryton_unavailable: 503,
  redis_unavailable: 503,
  database_unavailable: 503,
  query_timeout: 503,
  database_not_migrated: 503,
  batch_timeout: 504,
  tryton_timeout: 504,
  tryton_unknown_fate: 504,
};

const FRAMEWORK: Readonly<Record<string, string>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: 'body_too_large',
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'unsupported_media_type',
};

const OUTAGE = {
  database_unavailable: 'PostgreSQL does not answer; try again in a moment.',
  query_timeout: new QueryTimeoutError().message,
  database_not_migrated: 'The database lacks a migration; run `npm run migrate`.',
  redis_unavailable: 'Redis does not answer; try again in a moment.',
} as const;

export function makeProblem(code: string, detail?: string, errors?: Problem['errors']): Problem {
  const status = STATUS[code] ?? 500;
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

/** Any thrown value as an answer. What is not known to be safe to show is left out. */
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

/** Logs what is not the caller's fault: a stack only for our own. */
export function logProblem(log: FastifyBaseLogger, error: unknown, { status, code }: Problem): void {
  if (status === 500) log.error({ err: error, code }, 'request failed');
  else if (status > 500)
    log.warn({ code, reason: errorMessage(error) || errorCode(error) }, 'request refused for now');
}

/** Answers every error of every route, and logs it. */
export async function handleError(error: unknown, request: FastifyRequest, reply: FastifyReply) {
  const answer = toProblem(error);
  logProblem(request.log, error, answer);
  return sendProblem(reply, answer);
}
