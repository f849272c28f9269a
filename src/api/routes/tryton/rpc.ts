import type { FastifyRequest } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { TrytonClient } from '../../../tryton/client.ts';
import { isOpenedBy, isRead, isReserved, methodName, mustBeNamed } from '../../../tryton/methods.ts';
import type { FixedContext, ReadyCall, Wire } from '../../../tryton/types.ts';
import { encode } from '../../../tryton/wire/codec.ts';
import { isObject, toJson } from '../../../tryton/wire/json.ts';
import type { Api, ApiContext, ApiKey } from '../../context.ts';
import { MethodNotAllowedError, TooManyCallsError } from '../../errors.ts';
import { requireTryton } from '../../preconditions.ts';
import { logProblem, problem, toProblem } from '../../problem-details.ts';
import { sendJson, whileClientWaits } from '../../replies.ts';
import { batchLimits, HeldAnswers, runBatch, type Settled } from './batch.ts';
import {
  type AskedCall,
  cacheOptions,
  callBody,
  KnownCalls,
  MAX_CALLS,
  readExactJson,
  validateBody,
} from './request.ts';

/**
 * Checks whether a key allows a Tryton method: one that its patterns open or, without patterns, any read. Session
 * methods are never allowed.
 *
 * @throws MethodNotAllowedError
 */
export function assertMethodAllowed(
  { methods }: { readonly methods: readonly string[] },
  method: string,
): void {
  if (isReserved(method)) throw new MethodNotAllowedError(method, 'reserved');
  const opened =
    methods.length === 0 ? isRead(method) : methods.some((pattern) => isOpenedBy(pattern, method));
  if (!opened) throw new MethodNotAllowedError(method, mustBeNamed(method) ? 'unnamed' : 'not opened');
}

/** The context that a key fixes, and prepared calls with it. */
interface KeyContext {
  readonly fixed: FixedContext;
  /** Known calls in the form that the client takes. */
  readonly ready: WeakMap<AskedCall, ReadyCall>;
}

/** The `KeyContext` of each key. Keys may send the same body, so each context has prepared calls of its own. */
class KeyContexts {
  readonly #none: KeyContext = { fixed: {}, ready: new WeakMap() };
  readonly #known = new WeakMap<ApiKey['context'], KeyContext>();

  of({ context }: Pick<ApiKey, 'context'>): KeyContext {
    if (Object.keys(context).length === 0) return this.#none;
    const known = this.#known.get(context);
    if (known !== undefined) return known;
    const made: KeyContext = { fixed: fixedContext(context), ready: new WeakMap() };
    this.#known.set(context, made);
    return made;
  }
}

/** @throws TrytonRequestError if a value of the key cannot be sent. */
function fixedContext(context: ApiKey['context']): FixedContext {
  const wire = encode(context, 'the context of the key');
  return isObject(wire) ? wire : {};
}

interface Caller {
  readonly tryton: TrytonClient;
  readonly key: Pick<ApiKey, 'methods'>;
  readonly context: KeyContext;
  /** Aborted when the client leaves. Reads are then cancelled; writes continue. */
  readonly signal: () => AbortSignal;
}

/** The result as JSON. @throws MethodNotAllowedError, or the error of the client. */
async function runCall({ tryton, key, context, signal }: Caller, asked: AskedCall): Promise<string> {
  const method = methodName(asked.method);
  assertMethodAllowed(key, method);
  // The output of the body parser, which the schema did not change.
  const params = asked.params as Wire[];
  const { fixed: fixedContext, ready } = context;
  if (!isRead(method)) return toJson(await tryton.callWire(method, params, { fixedContext }));
  const options = cacheOptions(asked.cache);
  if (options === null)
    return toJson(await tryton.callWire(method, params, { fixedContext, signal: signal() }));
  const call = ready.get(asked) ?? tryton.ready(method, params, { fixedContext });
  ready.set(asked, call);
  return tryton.cachedCallJson(call, options, signal);
}

const BODY_LIMIT_BYTES = 4 * 1024 * 1024;

const NO_KEY: Pick<ApiKey, 'methods' | 'context'> = { methods: [], context: {} };

const result = z
  .object({ result: z.unknown().describe('as Tryton returned it, tagged values included') })
  .meta({ title: 'the answer of one call' });
const outcome = z.xor([result, z.object({ error: problem }).meta({ title: 'a call that failed' })]);
const answer = z
  .xor([result, z.array(outcome).meta({ title: 'the answers of a batch, in its order' })])
  .meta({
    examples: [
      { result: [{ id: 1, name: 'Dunder Mifflin', code: '1' }] },
      [
        { result: [{ id: 1, name: 'Dunder Mifflin' }] },
        {
          error: {
            type: 'about:blank',
            title: 'Forbidden',
            status: 403,
            code: 'method_not_allowed',
            detail: 'This key does not reach model.party.party.write; …',
          },
        },
      ],
    ],
  });

const PROBLEMS = [
  ...['tryton_bad_request', 'too_many_calls', 'method_not_allowed', 'tryton_method_not_allowed'],
  ...['tryton_user_error', 'tryton_user_warning', 'tryton_concurrency', 'body_too_large'],
  ...['unsupported_media_type', 'tryton_error', 'tryton_rate_limited', 'tryton_unknown_fate'],
  ...['tryton_not_configured', 'tryton_unreachable', 'tryton_timeout', 'tryton_login_suspended'],
  ...['tryton_bad_credentials', 'answer_too_large', 'batch_too_large', 'too_many_answers'],
];

export async function trytonRpcRoute(api: Api, deps: ApiContext): Promise<void> {
  await api.register(async (scope) => {
    const known = new KnownCalls();
    const contexts = new KeyContexts();
    const limits = batchLimits(deps.config.tryton);
    readExactJson(scope, known);
    scope.setValidatorCompiler(validateBody(known));
    scope.withTypeProvider<ZodTypeProvider>().post(
      '/api/v1/tryton/rpc',
      {
        config: { scope: 'tryton:call', mirror: 'none', problems: PROBLEMS },
        bodyLimit: BODY_LIMIT_BYTES,
        preValidation: refuseTooMany,
        schema: {
          tags: ['tryton'],
          summary: `Call a Tryton method, or up to ${MAX_CALLS} of them`,
          description:
            'Reads of a batch run concurrently. A write waits for all calls before it, and all later calls wait for ' +
            'it. A failed call does not stop the others. A call that has not started within TRYTON_DEADLINE_MS is not ' +
            'sent. A call whose answer would make the answers of the batch too large gets an error. Numbers of any ' +
            'size and tagged values such as {"__class__":"Decimal","decimal":"1.10"} are not changed.',
          body: callBody,
          response: { 200: answer },
        },
      },
      async (request, reply) => {
        const tryton = requireTryton(deps);
        const { body } = request;
        const key = request.apiKey ?? NO_KEY;
        const caller = { tryton, key, context: contexts.of(key), signal: whileClientWaits(reply) };
        const held = new HeldAnswers(tryton, limits.batchBytes);
        try {
          const run = (asked: AskedCall) => runCall(caller, asked);
          const found = Array.isArray(body)
            ? `[${answers(request, await runBatch(body, run, held, limits)).join()}]`
            : answered(held.keepOnly(body.method, await runCall(caller, body)));
          held.releaseAfter(reply);
          return sendJson(reply, found);
        } catch (error) {
          held.release();
          throw error;
        }
      },
    );
  });
}

/** @throws TooManyCallsError before the calls are validated. */
async function refuseTooMany({ body }: FastifyRequest): Promise<void> {
  if (Array.isArray(body) && body.length > MAX_CALLS) throw new TooManyCallsError(body.length, MAX_CALLS);
}

/** Concatenates JSON texts, so that cached answers are neither parsed nor serialized. */
const answered = (result: string): string => `{"result":${result}}`;

/** Each outcome as JSON. Equal errors are logged once. */
function answers({ log }: FastifyRequest, outcomes: readonly Settled[]) {
  const logged = new Set<string>();
  return outcomes.map((one) => {
    if (one.status === 'fulfilled') return answered(one.value);
    const error = toProblem(one.reason);
    if (!logged.has(error.code)) logProblem(log, one.reason, error);
    logged.add(error.code);
    return JSON.stringify({ error });
  });
}
