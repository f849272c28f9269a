import { createBullBoard } from '@bull-board/api';
import { BullMQAdapter } from '@bull-board/api/bullMQAdapter';
import { FastifyAdapter } from '@bull-board/fastify';
import type { FastifyInstance } from 'fastify';
import type { ApiDeps } from '../deps.ts';
import { requireRedis } from '../guards.ts';
import { sendProblem, toProblem } from '../problem.ts';
import { FOREIGN_PAGE_POLICY, securePages } from '../security-headers.ts';

const BOARD = '/admin/queues';

/** bull-board: the queues, their jobs, and the retry button. */
export async function boardRoutes(
  scope: FastifyInstance,
  { queues, redis }: Pick<ApiDeps, 'queues' | 'redis'>,
): Promise<void> {
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
  await scope.register(async (board) => {
    securePages(board, FOREIGN_PAGE_POLICY);
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
}
