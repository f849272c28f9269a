import type { Scope } from '../db/schema/gateway.ts';
import { PasserelleError } from '../shared/errors.ts';
import { closest } from '../shared/spelling.ts';
import { withTimeout } from '../shared/timeout.ts';

/**
 * The mirror has no BC with this Odoo id.
 *
 * @fix Check the id. If Odoo has the BC, read it with `POST /api/v1/bc/{odooId}/resync`.
 */
export class BcNotFoundError extends PasserelleError {
  readonly code = 'bc_not_found';
  constructor(odooId: number) {
    super(
      `No BC with Odoo id ${odooId} is in the mirror; POST /api/v1/bc/${odooId}/resync asks Odoo for it.`,
    );
  }
}

/**
 * The record was erased on request, so it is not read from Odoo.
 *
 * @fix If it may be stored again, run `passerelle erase MIRROR ID --lift` first.
 */
export class RecordErasedError extends PasserelleError {
  readonly code = 'record_erased';
  constructor(mirror: string, odooId: number) {
    super(
      `Record ${odooId} of the mirror ${mirror} was erased on request, so it is not read. "passerelle erase ${mirror} ` +
        `${odooId} --lift" undoes that.`,
    );
  }
}

/**
 * The configuration has no mirror of that name.
 *
 * @fix Use a mirror of `GET /api/v1/mirrors`. `MIRRORS_FILE` defines the mirrors.
 */
export class MirrorNotFoundError extends PasserelleError {
  readonly code = 'mirror_not_found';
  constructor(name: string, known: readonly string[]) {
    const others = known.length === 0 ? '' : `; there are ${known.join(', ')}`;
    super(`There is no mirror ${JSON.stringify(name)}${others}.`);
  }
}

/**
 * The API key is limited to some mirrors, and the request reads or changes another one, or all of them.
 *
 * @fix Use a mirror of the key: `GET /api/v1/mirrors` lists them. Otherwise create a key for the mirror with `passerelle
 * keys create --mirror`, or a key without that option, which reaches all mirrors.
 */
export class MirrorNotAllowedError extends PasserelleError {
  readonly code = 'mirror_not_allowed';
  /** @param wanted `all`: the route concerns all mirrors. A field: the request includes the records of its relation. */
  constructor(
    mirrors: readonly string[],
    wanted: 'all' | { readonly mirror: string } | { readonly field: string; readonly relation: string },
  ) {
    const own = `his key reaches only the mirrors ${mirrors.join(', ')}`;
    if (wanted === 'all') {
      super(`T${own}, and this route concerns all mirrors. Use a key that was created without --mirror.`);
    } else if ('mirror' in wanted) {
      const { mirror } = wanted;
      const other = `a key that was created with --mirror ${mirror}`;
      super(`T${own}, not ${JSON.stringify(mirror)}. Use one of them, or ${other}.`);
    } else {
      const { field, relation } = wanted;
      super(
        `include: ${field} refers to ${relation}. T${own}, and none of them mirrors ${relation}. Leave out ${field}, ` +
          'or use a key that reaches its mirror too.',
      );
    }
  }
}

/**
 * The log has no run with this id. It does not exist, or it is older than RETAIN_RUNS.
 *
 * @fix Check the id. `GET /api/v1/sync/runs` lists the runs.
 */
export class RunNotFoundError extends PasserelleError {
  readonly code = 'run_not_found';
  constructor(runId: number) {
    super(`No run ${runId}; GET /api/v1/sync/runs lists them.`);
  }
}

/**
 * The BC has no open failure, so there is nothing to retry.
 *
 * @fix Check the id: `GET /api/v1/sync/failures` lists the open failures. To read a BC without a failure, use `POST
 * /api/v1/bc/{odooId}/resync`.
 */
export class FailureNotFoundError extends PasserelleError {
  readonly code = 'failure_not_found';
  constructor(odooId: number) {
    super(`BC ${odooId} has no open failure; GET /api/v1/sync/failures lists them.`);
  }
}

/**
 * ODOO_URL is not set, so there is no mirror.
 *
 * @fix Set ODOO_URL, ODOO_DB, ODOO_USER and ODOO_PASSWORD, then restart API and workers.
 */
export class OdooNotConfiguredError extends PasserelleError {
  readonly code = 'odoo_not_configured';
  constructor() {
    super('No Odoo is configured; set ODOO_URL, ODOO_DB, ODOO_USER and ODOO_PASSWORD, then start again.');
  }
}

/**
 * TRYTON_RPC_URL is not set, so there is no gateway.
 *
 * @fix Set TRYTON_RPC_URL, TRYTON_USER and TRYTON_PASSWORD, then restart the API.
 */
export class TrytonNotConfiguredError extends PasserelleError {
  readonly code = 'tryton_not_configured';
  constructor() {
    super('No Tryton is configured; set TRYTON_RPC_URL, TRYTON_USER and TRYTON_PASSWORD, then start again.');
  }
}

/**
 * @fix Send the calls in batches of at most 100.
 */
export class TooManyCallsError extends PasserelleError {
  readonly code = 'too_many_calls';
  constructor(calls: number, most: number) {
    super(`body: ${calls} calls in one batch; at most ${most} are allowed. Nothing was sent.`);
  }
}

/**
 * The deadline of a batch ended before this call was started. It was not sent.
 *
 * @fix Send this call again, in a smaller batch, or raise TRYTON_DEADLINE_MS.
 */
export class BatchTimeoutError extends PasserelleError {
  readonly code = 'batch_timeout';
  override readonly retryable = true;
  constructor(ms: number) {
    super(`Not sent: the calls before it took more than ${ms} ms. Ask for it again, in a smaller batch.`);
  }
}

/**
 * The answers of a batch are too large together.
 *
 * @fix Send the calls that failed with this code in another batch.
 */
export class BatchTooLargeError extends PasserelleError {
  readonly code = 'batch_too_large';
  constructor(maxBytes: number) {
    super(
      `The answers of the batch have more than ${maxBytes} bytes together; ask for this one again, in a smaller batch.`,
    );
  }
}

/**
 * The body cannot be parsed. The answer does not quote it, because it may contain secrets. Parameters and members of
 * the body that are not valid have the same code.
 *
 * @fix Correct the parts of the request that `detail` and `errors` name. `/docs` of the service describes each route.
 */
export class BadJsonError extends PasserelleError {
  readonly code = 'invalid_request';
  constructor(problem: string) {
    super(`body: ${problem}.`);
  }
}

/**
 * The client closed the connection before the answer was ready.
 *
 * @fix Nothing. If the client stops waiting too early, raise its timeout.
 */
export class ClientGoneError extends PasserelleError {
  readonly code = 'client_gone';
  constructor() {
    super('The client closed the connection before it was answered.');
  }
}

/**
 * A filter, sort or field list names a field that the model does not have, or that cannot be used this way.
 *
 * @fix Use a field that the message or `GET /api/v1/sync/model` lists. If the fields are not known yet, start a run
 * with `POST /api/v1/sync/runs`.
 */
export class UnknownFieldError extends PasserelleError {
  readonly code = 'unknown_field';
  constructor(parameter: string, field: string, known: readonly string[]) {
    super(
      known.length === 0
        ? `${parameter}: the fields are not known yet; start a run at /api/v1/sync/runs first.`
        : `${parameter}: there is no field ${JSON.stringify(field)}${meaning(field, known)} There are ${known.join(', ')}.`,
    );
  }
}

/** `amout_total` means `amount_total`; `amount` may mean several fields. */
function meaning(field: string, known: readonly string[]): string {
  const close = closest(field, known);
  const meant = close === undefined ? known.filter((name) => name.startsWith(`${field}_`)) : [close];
  if (meant.length === 0) return '.';
  return `. Did you mean ${meant.slice(0, MAX_SUGGESTIONS).join(' or ')}?`;
}

const MAX_SUGGESTIONS = 3;

/**
 * The type of the field does not have this filter operator.
 *
 * @fix Use an operator that the message lists. `GET /api/v1/sync/model` lists the operators of each field.
 */
export class UnknownOperatorError extends PasserelleError {
  readonly code = 'unknown_operator';
  constructor(field: string, type: string, operator: string, known: readonly string[]) {
    super(
      `filter[${field}]: a ${type} field has no operator ${JSON.stringify(operator)}; it has ${known.join(', ')}.`,
    );
  }
}

/**
 * The value of a filter or parameter does not have the expected form.
 *
 * @fix Correct the value of the parameter that the message names. The message shows the expected form.
 */
export class BadValueError extends PasserelleError {
  readonly code = 'bad_value';
  constructor(parameter: string, given: string, expected: string) {
    super(`${parameter}: expected ${expected}, not ${JSON.stringify(given)}.`);
  }
}

const BAD_CURSORS = {
  list: 'cursor: it belongs to another sort or filter, or is damaged; ask for the first page again.',
  feed: 'after: this is not a nextCursor of /api/v1/bc/changes; leave it out to begin with the first change.',
};

/**
 * The cursor belongs to another list, or is damaged.
 *
 * @fix Leave out `cursor` to get the first page again, or `after` to begin the change feed again.
 */
export class BadCursorError extends PasserelleError {
  readonly code = 'bad_cursor';
  constructor(of: keyof typeof BAD_CURSORS) {
    super(BAD_CURSORS[of]);
  }
}

/**
 * The request selects fields of lines but does not include lines.
 *
 * @fix Add `include=lines` to the request, or leave out `line_fields`.
 */
export class LinesNotIncludedError extends PasserelleError {
  readonly code = 'lines_not_included';
  constructor() {
    super('line_fields: it chooses the fields of lines that come with include=lines; add that too.');
  }
}

/**
 * `include` names a field that is not a many2one, so it does not refer to one record.
 *
 * @fix Include a many2one field: the message lists those that can be included.
 */
export class NotMany2oneError extends PasserelleError {
  readonly code = 'not_many2one';
  constructor(field: string, type: string, possible: readonly string[]) {
    const others = possible.length === 0 ? 'no field can be' : `${possible.join(', ')} can be`;
    super(
      `include: ${field} is a ${type} field, and only records of many2one fields are included; ${others}.`,
    );
  }
}

/**
 * `include` names a many2one field, but no mirror has the model that the field refers to.
 *
 * @fix Add the model to `MIRRORS_FILE` as another mirror and restart API and workers, or leave out the field. See
 * [many-mirrors.md](../how-to/connect/many-mirrors.md).
 */
export class RelationNotMirroredError extends PasserelleError {
  readonly code = 'relation_not_mirrored';
  constructor(
    field: string,
    relation: string,
    mirrors: readonly { readonly name: string; readonly models: { readonly model: string } }[],
  ) {
    const known = mirrors.map(({ name, models }) => `${name} (${models.model})`).join(', ');
    super(
      `include: ${field} refers to ${relation}, which no mirror has. There are ${known}. Add a mirror with "model: ` +
        `${relation}" to MIRRORS_FILE.`,
    );
  }
}

/**
 * PostgreSQL cancelled a statement that took longer than API_STATEMENT_TIMEOUT.
 *
 * @fix Use more selective filters or a smaller page, or leave out `count=exact`. An operator can raise
 * API_STATEMENT_TIMEOUT.
 */
export class QueryTimeoutError extends PasserelleError {
  readonly code = 'query_timeout';
  constructor() {
    super(
      'PostgreSQL cancelled the query: it took longer than API_STATEMENT_TIMEOUT. Narrow the filter, or leave out ' +
        'count=exact.',
    );
  }
}

/**
 * The maximum number of queries of this key is running, and none of them ended while the request waited.
 *
 * @fix Send fewer requests at the same time with this key, or narrow the filters. Try again after `Retry-After`.
 */
export class TooManyQueriesError extends PasserelleError {
  readonly code = 'too_many_queries';
  override readonly retryable = true;
  constructor(most: number) {
    super(
      `${most} queries of this key are running already. Send fewer requests at the same time, or narrow the filters.`,
    );
  }
}

/**
 * The maximum number of exports is running: one of each key, one of the admin pages. Each export holds a PostgreSQL
 * connection until its end.
 *
 * @fix Wait until the running export has ended, then try again.
 */
export class TooManyExportsError extends PasserelleError {
  readonly code = 'too_many_exports';
  override readonly retryable = true;
  constructor(whose: 'this key' | 'the admin pages' | 'other keys') {
    super(`An export of ${whose} is running already; try again once it is over.`);
  }
}

/**
 * The client of an export read too slowly or stopped. The connection was closed, because an export holds a snapshot.
 *
 * @fix Export again, and read the answer without pauses. Write it to a file first, and process the file.
 */
export class StalledClientError extends PasserelleError {
  readonly code = 'client_stalled';
  constructor(ms: number) {
    super(`The client did not take a part of the export within ${ms} ms; the connection was closed.`);
  }
}

/** The command that creates a first key. */
export const CREATE_KEY = 'npx passerelle keys create --name NAME --scope bc:read';

const noKeyYet = (anyKey: boolean) =>
  anyKey ? '' : ` There is no usable key yet; create one: ${CREATE_KEY}`;

/**
 * The request has no `Authorization: Bearer` header.
 *
 * @fix Send a key as `Authorization: Bearer psl_...`. `passerelle keys create` creates one.
 */
export class MissingKeyError extends PasserelleError {
  readonly code = 'missing_key';
  constructor(anyKey: boolean) {
    super(`Send an API key in the header Authorization: Bearer psl_...${noKeyYet(anyKey)}`);
  }
}

/**
 * The API key is malformed or unknown, or its secret part is wrong. The answer does not say which.
 *
 * @fix Send the whole key that `passerelle keys create` printed. If it is lost, create another one.
 */
export class BadKeyError extends PasserelleError {
  readonly code = 'bad_key';
  constructor(anyKey: boolean) {
    super(`Unknown API key.${noKeyYet(anyKey)}`);
  }
}

/**
 * The API key has expired. Returned only if the secret part is correct, so that prefixes cannot be probed.
 *
 * @fix Create another key with `passerelle keys create` and give it to the program.
 */
export class ExpiredKeyError extends PasserelleError {
  readonly code = 'expired_key';
  constructor(at: Date) {
    super(`This API key expired at ${at.toISOString()}.`);
  }
}

/**
 * The API key was revoked. Returned only if the secret part is correct, so that prefixes cannot be probed.
 *
 * @fix Create another key with `passerelle keys create` and give it to the program.
 */
export class RevokedKeyError extends PasserelleError {
  readonly code = 'revoked_key';
  constructor() {
    super('This API key was revoked.');
  }
}

/**
 * @fix Create a key that has the needed scope too, with `passerelle keys create --scope`.
 */
export class MissingScopeError extends PasserelleError {
  readonly code = 'missing_scope';
  constructor(needed: Scope, scopes: readonly Scope[]) {
    super(`This needs the scope ${needed}; the key has ${scopes.join(', ')}.`);
  }
}

/**
 * The API key does not allow this Tryton method.
 *
 * @fix Create a key for the method: `passerelle keys create --name NAME --scope tryton:call --method METHOD`. No key
 * opens methods that sign in or out or manage databases.
 */
export class MethodNotAllowedError extends PasserelleError {
  readonly code = 'method_not_allowed';
  /** @param why `unnamed`: a pattern with `*` does not open an administration method. */
  constructor(method: string, why: 'reserved' | 'unnamed' | 'not opened') {
    const opened = `a key made with --scope tryton:call --method '${method}' does.`;
    super(
      {
        reserved: `${method} is not for callers: the gateway signs in and out by itself.`,
        unnamed: `This key does not reach ${method}: a pattern with * opens it only if it names the model before the *; ${opened}`,
        'not opened': `This key does not reach ${method}; ${opened}`,
      }[why],
    );
  }
}

/**
 * Too many requests of one key or one address within a minute.
 *
 * @fix Wait for the seconds of `Retry-After`, and send fewer requests. API_RATE_LIMIT sets the limit of a key. If a
 * proxy is in front, set TRUST_PROXY so that clients do not share its address.
 */
export class RateLimitedError extends PasserelleError {
  readonly code = 'rate_limited';
  override readonly retryable = true;
  constructor(
    whose: 'this key' | 'this address' | 'this address without a valid key' | 'hooks of this address',
    perMinute: number,
    seconds: number,
  ) {
    super(`More than ${perMinute} requests per minute with ${whose}; go on in ${seconds} s.`);
  }
}

/**
 * A page of another site sent a request to the admin pages.
 *
 * @fix Open the dashboard at its own address. If a proxy is in front, let it pass the header `Host` unchanged. Use
 * `/api/v1` with an API key in programs.
 */
export class CrossOriginError extends PasserelleError {
  readonly code = 'cross_origin';
  constructor() {
    super('The admin pages accept changes from their own origin only.');
  }
}

/**
 * The request has no login, or user or password are wrong.
 *
 * @fix Sign in with ADMIN_USER and ADMIN_PASSWORD. If ADMIN_PASSWORD is not set, use the password that the API wrote to
 * stderr at its start. With `passerelle up` it is in `.passerelle/env`.
 */
export class BadCredentialsError extends PasserelleError {
  readonly code = 'bad_credentials';
  constructor() {
    super('The admin pages ask for ADMIN_USER and ADMIN_PASSWORD.');
  }
}

/**
 * Too many failed logins from one address. The correct password is refused too, so that guessing does not pay off.
 *
 * @fix Wait for the seconds of `Retry-After`, then sign in with ADMIN_USER and ADMIN_PASSWORD. If a proxy is in front,
 * set TRUST_PROXY so that visitors do not share its address.
 */
export class TooManyLoginsError extends PasserelleError {
  readonly code = 'too_many_logins';
  override readonly retryable = true;
  readonly seconds: number;
  constructor(seconds: number) {
    super(`Too many wrong logins from this address; try again in ${seconds} s.`);
    this.seconds = seconds;
  }
}

/**
 * The request changes something and lacks the header that the dashboard sends. Forms and pages of other sites cannot
 * send it.
 *
 * @fix Use `/api/v1` with an API key in programs, or send the header `x-passerelle-admin: 1`.
 */
export class MissingAdminHeaderError extends PasserelleError {
  readonly code = 'missing_admin_header';
  constructor(header: string) {
    super(`Changes under /admin/api need the header ${header}: 1.`);
  }
}

/**
 * The files of the dashboard are missing.
 *
 * @fix Run `npm run build`, then restart the API.
 */
export class DashboardNotBuiltError extends PasserelleError {
  readonly code = 'dashboard_not_built';
  constructor() {
    super('The dashboard is not built; run `npm run build` and start again. /admin/queues works without it.');
  }
}

/**
 * The maximum number of event streams is open, in total or for this key.
 *
 * @fix Close streams that are not needed, or poll `GET /api/v1/sync`.
 */
export class TooManyListenersError extends PasserelleError {
  readonly code = 'too_many_listeners';
  override readonly retryable = true;
  constructor() {
    super('Too many open event streams. Close some, or poll GET /api/v1/sync.');
  }
}

/**
 * The process is stopping and closes the event streams.
 *
 * @fix Connect again after `Retry-After`.
 */
export class ShuttingDownError extends PasserelleError {
  readonly code = 'shutting_down';
  override readonly retryable = true;
  constructor() {
    super('This process is being stopped; connect again.');
  }
}

/**
 * The webhook has no secret, or another one than ODOO_HOOK_SECRET. The answer does not say which.
 *
 * @fix Send ODOO_HOOK_SECRET as the parameter `secret` of the URL, or as `Authorization: Bearer`. See
 * docs/how-to/connect/odoo-push.md.
 */
export class BadHookSecretError extends PasserelleError {
  readonly code = 'bad_hook_secret';
  constructor() {
    super(
      'Send ODOO_HOOK_SECRET as the parameter secret of the URL, or in the header Authorization: Bearer.',
    );
  }
}

/**
 * The webhook names a model that is not mirrored. Returned only if the secret is correct.
 *
 * @fix Send webhooks for ODOO_MODEL and ODOO_LINE_MODEL only: correct the model of the automation rule in Odoo.
 */
export class NotMirroredError extends PasserelleError {
  readonly code = 'not_mirrored';
  constructor(model: string, mirrored: readonly string[]) {
    super(`_model: expected ${mirrored.join(' or ')}, not ${JSON.stringify(model)}.`);
  }
}

/** Time limit of a readiness check. A healthy server answers sooner. */
const ANSWER_MS = 2000;

const CODES = { PostgreSQL: 'database_unavailable', Redis: 'redis_unavailable' } as const;

type Server = keyof typeof CODES;

/** PostgreSQL or Redis did not answer in time. Try again in a moment. */
class NoAnswerError extends PasserelleError {
  readonly code: (typeof CODES)[Server];
  override readonly retryable = true;
  constructor(server: Server, limitMs: number) {
    super(`${server} did not answer within ${limitMs} ms; try again in a moment.`);
    this.code = CODES[server];
  }
}

/**
 * The result of `work`. `work` continues after the timeout.
 *
 * @throws NoAnswerError after `limitMs`, or the error of `work`.
 */
export function answerWithin<T>(work: Promise<T>, server: Server, limitMs = ANSWER_MS): Promise<T> {
  return withTimeout(work, limitMs, () => new NoAnswerError(server, limitMs));
}
