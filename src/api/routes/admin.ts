import { createBullBoard } from '@bull-board/api';
import { BullMQAdapter } from '@bull-board/api/bullMQAdapter';
import { FastifyAdapter } from '@bull-board/fastify';
import { guardAdmin } from '../admin-access.ts';
import type { Api } from '../app.ts';
import type { ApiDeps } from '../deps.ts';
import { requireRedis } from '../guards.ts';
import { sendProblem, toProblem } from '../problem.ts';

const BOARD = '/admin/queues';

/** bull-board: the four queues, their jobs, and the retry button. */
export async function adminRoutes(api: Api, { config, queues, redis }: ApiDeps): Promise<void> {
  const adapter = new FastifyAdapter().setBasePath(BOARD);
  createBullBoard({
    queues: [
      new BullMQAdapter(queues.sync, { description: 'plans runs' }),
      new BullMQAdapter(queues.pages, { description: 'reads pages of BCs from Odoo' }),
      new BullMQAdapter(queues.bc, { description: 'stores one BC each' }),
      new BullMQAdapter(queues.upkeep, { description: 'removes what is kept too long' }),
    ],
    serverAdapter: adapter,
    options: { uiConfig: { boardTitle: 'Passerelle' } },
  });
  await api.register(async (scope) => {
    await guardAdmin(scope, config);
    scope.get('/admin', { schema: { hide: true } }, (_request, reply) => reply.redirect(BOARD));
    await scope.register(async (board) => {
      // Without this the board would wait for a Redis that is away for as long as it stays away.
      board.addHook('onRequest', async (_request, reply) => {
        try {
          await requireRedis(redis);
        } catch (error) {
          return sendProblem(reply, toProblem(error));
        }
      });
      await board.register(adapter.registerPlugin(), { prefix: BOARD });
    });
  });
}
