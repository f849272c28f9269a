import { createHash, timingSafeEqual } from 'node:crypto';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { enqueueHooks } from '../../../queues/jobs.ts';
import { mirrorPrefix } from '../../../queues/queues.ts';
import { WebhookBatchBuffer } from '../../../queues/webhook-batches.ts';
import { RedisUnavailableError } from '../../../shared/errors.ts';
import type { Api, ApiContext } from '../../context.ts';
import { answerWithin, BadHookSecretError, NotMirroredError } from '../../errors.ts';
import { assertAdmitted, clientIp, MINUTE_MS, RateLimitStore } from '../../plugins/rate-limit.ts';
import { requireOdoo } from '../../preconditions.ts';
import { doc, statusAnswer } from '../../schemas.ts';

/**
 * Limit of one address, with a correct or a wrong secret: more than one Odoo sends, because it sends one webhook at a
 * time.
 */
const HOOKS_PER_MINUTE = 6000;

/**
 * Checks the secret before the body is read: in the query of the URL, which is all that Odoo supports, or as
 * `Authorization: Bearer`. Requests are counted by address, if Redis answers.
 *
 * @throws RateLimitedError, BadHookSecretError
 */
function hookGuard({ config, cacheRedis }: Pick<ApiContext, 'config' | 'cacheRedis'>, secret: string) {
  const store = new RateLimitStore(cacheRedis, `${config.queuePrefix}:rate-limit:hooks:`, MINUTE_MS);
  const expected = digest(secret);
  return async (request: FastifyRequest, reply: FastifyReply): Promise<void> => {
    const standing = await store.admit(clientIp(request), HOOKS_PER_MINUTE);
    assertAdmitted(reply, standing, 'hooks of this address', HOOKS_PER_MINUTE);
    // Digests have one length, so the time of the comparison reveals nothing.
    if (!timingSafeEqual(digest(secretOf(request)), expected)) throw new BadHookSecretError();
  };
}

const digest = (text: string): Buffer => createHash('sha256').update(text).digest();

/** The query is not validated yet. */
function secretOf({ headers, query }: FastifyRequest): string {
  const bearer = /^Bearer +(\S+)$/i.exec(headers.authorization?.trim() ?? '')?.[1];
  const { secret } = query as { readonly secret?: unknown };
  return bearer ?? (typeof secret === 'string' ? secret : '');
}

/** Odoo also sends the fields that its administrator chose. */
const BODY_LIMIT_BYTES = 64 * 1024;

const body = z
  .looseObject({ _model: z.string().max(200), _id: z.int().min(1) })
  .describe('the webhook of Odoo; members other than model and id are ignored')
  .meta({ examples: [{ _action: 'Passerelle(#42)', _id: 7, _model: 'dimagaz.bc' }] });

/**
 * Receives webhooks of Odoo's automation rules. Only the id of the record is used: its content is read from Odoo later.
 * Without ODOO_HOOK_SECRET the route does not exist.
 */
export function hookRoutes(api: Api, deps: ApiContext): void {
  const { config, queuesOf, cacheRedis } = deps;
  const { secret, delayMs } = config.hooks;
  if (secret === undefined) return;
  const mirrors = config.mirrors.map(({ name, model, lineModel }) => ({
    ...{ name, model, lineModel },
    hooks: new WebhookBatchBuffer(cacheRedis, mirrorPrefix(config.queuePrefix, name)),
  }));
  const models = mirrors.flatMap(({ model, lineModel }) =>
    lineModel === null ? [model] : [model, lineModel],
  );
  api.post(
    '/hooks/odoo',
    {
      onRequest: hookGuard(deps, secret),
      bodyLimit: BODY_LIMIT_BYTES,
      config: { problems: ['bad_hook_secret', 'not_mirrored', 'redis_unavailable'] },
      schema: {
        tags: ['sync'],
        summary: 'Notification of Odoo that a record changed',
        description:
          'For webhooks of automation rules (Odoo 17 and later). The answer is sent at once. The record is read from ' +
          'Odoo after ODOO_HOOK_DELAY, together with the records of other webhooks of that time. If a webhook is ' +
          'lost, the next incremental run fetches the change.',
        querystring: z.object({
          secret: z
            .string()
            .optional()
            .meta(doc('ODOO_HOOK_SECRET; or send it as Authorization: Bearer', 'the-secret-of-the-hook')),
        }),
        body,
        response: { 202: statusAnswer('accepted') },
      },
    },
    async ({ body: { _model: model, _id: odooId } }, reply) => {
      requireOdoo(config);
      const mirror = mirrors.find((one) => one.model === model || one.lineModel === model);
      if (mirror === undefined) throw new NotMirroredError(model, models);
      try {
        const batch = await mirror.hooks.add(model === mirror.model ? 'bc' : 'line', odooId);
        await answerWithin(enqueueHooks(queuesOf(mirror.name).sync, batch, delayMs, config.sync), 'Redis');
      } catch (cause) {
        throw new RedisUnavailableError(cause);
      }
      return reply.code(202).send({ status: 'accepted' as const });
    },
  );
}
