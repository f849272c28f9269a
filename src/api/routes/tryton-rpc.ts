import type { FastifyRequest } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { ReadyCall } from '../../tryton/types.ts';
import type { Api } from '../app.ts';
import { whileClientWaits } from '../client-gone.ts';
import type { ApiDeps } from '../deps.ts';
import { TooManyCallsError } from '../errors.ts';
import { requireTryton } from '../guards.ts';
import { KnownCalls } from '../known-calls.ts';
import { logProblem, problem, problemResponses, toProblem } from '../problem.ts';
import { sendJson } from '../send-json.ts';
import { readExactJson } from '../tryton-body.ts';
import type { AskedCall } from '../tryton-call.ts';
import { callBody, checkBody, MOST_CALLS } from '../tryton-call.ts';
import type { Settled } from '../tryton-run.ts';
import { runBatch, runCall } from '../tryton-run.ts';

const BODY_LIMIT_BYTES = 4 * 1024 * 1024;

const result = z
  .object({ result: z.unknown().describe('as Tryton gave it, tagged values included') })
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

/** Calls of Tryton methods, one or a batch. */
export async function trytonRpcRoute(api: Api, deps: ApiDeps): Promise<void> {
  await api.register(async (scope) => {
    const known = new KnownCalls();
    const ready = new WeakMap<AskedCall, ReadyCall>();
    readExactJson(scope, known);
    scope.setValidatorCompiler(checkBody(known));
    scope.withTypeProvider<ZodTypeProvider>().post(
      '/api/v1/tryton/rpc',
      {
        config: { scope: 'tryton:call' },
        bodyLimit: BODY_LIMIT_BYTES,
        preValidation: refuseTooMany,
        schema: {
          tags: ['tryton'],
          summary: `Call a Tryton method, or up to ${MOST_CALLS} of them`,
          description:
            'Reads of a batch run at once; a write waits for all before it, and all after it wait for it. ' +
            'A call that fails stops none of the others; one whose turn comes later than TRYTON_DEADLINE_MS is not ' +
            'sent. Numbers of any size, and tagged values such as {"__class__":"Decimal","decimal":"1.10"}, cross ' +
            'unchanged.',
          body: callBody,
          response: { 200: answer, ...problemResponses },
        },
      },
      async (request, reply) => {
        const tryton = requireTryton(deps);
        const { apiKey: key, body } = request;
        const caller = {
          tryton,
          key: key ?? { methods: [] },
          signal: whileClientWaits(reply),
          beginWithinMs: deps.config.tryton?.deadlineMs ?? 0,
          ready,
        };
        const found = Array.isArray(body)
          ? `[${answers(request, await runBatch(caller, body)).join()}]`
          : answered(await runCall(caller, body));
        return sendJson(reply, found);
      },
    );
  });
}

/** @throws TooManyCallsError before each of them is looked at. */
async function refuseTooMany({ body }: FastifyRequest): Promise<void> {
  if (Array.isArray(body) && body.length > MOST_CALLS) throw new TooManyCallsError(body.length, MOST_CALLS);
}

/** By hand, so that what was kept is neither read nor written again. */
const answered = (result: string): string => `{"result":${result}}`;

/** Every outcome as its caller sees it, in JSON. Of errors that look alike only the first is logged. */
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
