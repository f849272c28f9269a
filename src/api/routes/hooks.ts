import { z } from 'zod';
import { enqueueHooks, Hooks } from '../../queues/hooks.ts';
import type { Api } from '../app.ts';
import type { ApiDeps } from '../deps.ts';
import { RedisUnavailableError } from '../errors.ts';
import { requireOdoo } from '../guards.ts';
import { hookGuard } from '../hook-access.ts';
import { NotMirroredError } from '../hook-errors.ts';
import { problemResponses } from '../problem.ts';
import { within } from '../within.ts';

/** Odoo sends the fields that somebody chose, too; a few texts, no scans. */
const BODY_LIMIT_BYTES = 64 * 1024;

const body = z
  .looseObject({ _model: z.string().max(200), _id: z.int().min(1) })
  .describe('what Odoo posts; anything beside model and id is ignored')
  .meta({ examples: [{ _action: 'Passerelle(#42)', _id: 7, _model: 'dimagaz.bc' }] });

/**
 * What Odoo's automation rules post when a record changed. Nothing of it is believed but which record that was: it is
 * read from Odoo a moment later, as any other. Where ODOO_HOOK_SECRET is not set there is no such route.
 */
export function hookRoutes(api: Api, deps: ApiDeps): void {
  const { config, queues, cacheRedis } = deps;
  const { secret, delayMs } = config.hooks;
  if (secret === undefined) return;
  const hooks = new Hooks(cacheRedis, config.queuePrefix);
  api.post(
    '/hooks/odoo',
    {
      onRequest: hookGuard(deps, secret),
      bodyLimit: BODY_LIMIT_BYTES,
      schema: {
        tags: ['sync'],
        summary: 'Odoo tells of a record that changed',
        description:
          'For the webhooks of automation rules, Odoo 17 and later. Answered at once; what was told of is read from ' +
          'Odoo after ODOO_HOOK_DELAY, together with what else was told of meanwhile. A hook that is lost costs ' +
          'nothing but time: the next incremental run brings the change.',
        querystring: z.object({
          secret: z.string().optional().describe('ODOO_HOOK_SECRET; or send it as Authorization: Bearer'),
        }),
        body,
        response: { 202: z.object({ status: z.literal('accepted') }), ...problemResponses },
      },
    },
    async ({ body: { _model: model, _id: odooId } }, reply) => {
      const { model: header, lineModel } = requireOdoo(config);
      if (model !== header && model !== lineModel) throw new NotMirroredError(model, [header, lineModel]);
      try {
        const batch = await hooks.tell(model === header ? 'bc' : 'line', odooId);
        await within(enqueueHooks(queues.sync, batch, delayMs, config.sync), 'Redis');
      } catch (cause) {
        throw new RedisUnavailableError({ cause });
      }
      return reply.code(202).send({ status: 'accepted' as const });
    },
  );
}
