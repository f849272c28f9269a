import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { createBullBoard } from '@bull-board/api';
import { BullMQAdapter } from '@bull-board/api/bullMQAdapter';
import { FastifyAdapter } from '@bull-board/fastify';
import compress from '@fastify/compress';
import files from '@fastify/static';
import type { FastifyInstance, FastifyReply } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { BC_MIRROR } from '../../shared/mirror-names.ts';
import type { Api, ApiContext } from '../context.ts';
import { DashboardNotBuiltError } from '../errors.ts';
import { guardAdmin, guardAdminData } from '../plugins/admin-auth.ts';
import { DASHBOARD_POLICY, FOREIGN_PAGE_POLICY, securePages } from '../plugins/security-headers.ts';
import { requireRedis } from '../preconditions.ts';
import { makeProblem, sendProblem, toProblem } from '../problem-details.ts';
import { mirrorRoutes, type Shared } from './index.ts';

const BOARD = '/admin/queues';

/** A font of another origin in the page of bull-board. The policy blocks it, and the browser would report it. */
const FOREIGN_FONT = /<link href="https:[^>]*>/;

/** bull-board: the queues, their jobs, and the retry button. */
async function boardRoutes(
  scope: FastifyInstance,
  { config, queues, queuesOf, redis }: Pick<ApiContext, 'config' | 'queues' | 'queuesOf' | 'redis'>,
): Promise<void> {
  const adapter = new FastifyAdapter().setBasePath(BOARD);
  const others = config.mirrors
    .filter(({ name }) => name !== BC_MIRROR)
    .flatMap(({ name }) => {
      const { sync, pages, bc } = queuesOf(name);
      return [sync, pages, bc].map(
        (queue) => new BullMQAdapter(queue, { prefix: `${name}: `, description: name }),
      );
    });
  createBullBoard({
    queues: [
      new BullMQAdapter(queues.sync, { description: 'plans runs' }),
      new BullMQAdapter(queues.pages, { description: 'reads pages of BCs from Odoo' }),
      new BullMQAdapter(queues.bc, { description: 'stores one BC each' }),
      ...others,
      new BullMQAdapter(queues.upkeep, { description: 'deletes rows past their retention' }),
    ],
    serverAdapter: adapter,
    options: { uiConfig: { boardTitle: 'Passerelle' } },
  });
  await scope.register(async (board) => {
    securePages(board, FOREIGN_PAGE_POLICY);
    // Without this check the board would wait for a missing Redis without a limit.
    board.addHook('onRequest', async (_request, reply) => {
      try {
        await requireRedis(redis);
      } catch (error) {
        return sendProblem(reply, toProblem(error));
      }
    });
    board.addHook('onSend', async (_request, _reply, payload) =>
      typeof payload === 'string' ? payload.replace(FOREIGN_FONT, '') : payload,
    );
    await board.register(adapter.registerPlugin(), { prefix: BOARD });
  });
}

const schema = { hide: true };
const INDEX = 'index.html';
/** Files whose names contain a hash of their content. */
const HASHED = /^assets\//;
/** A file, unlike a page such as `bc/42`. */
const FILE = /\.[a-z0-9]+$/;

/** The files of the dashboard. Every other path under /admin is a page that the browser renders. */
async function dashboardRoutes(scope: FastifyInstance, webRoot: string): Promise<void> {
  await scope.register(async (pages) => {
    securePages(pages, DASHBOARD_POLICY);
    if (!existsSync(join(webRoot, INDEX))) {
      const refuse = () => {
        throw new DashboardNotBuiltError();
      };
      pages.get('/admin', { schema }, refuse);
      pages.get('/admin/*', { schema }, refuse);
      return;
    }
    await pages.register(compress, { encodings: ['br', 'gzip'], globalDecompression: false });
    await pages.register(files, { root: webRoot, serve: false });
    pages.get('/admin', { schema }, (_request, reply) => sendIndex(reply));
    pages.get<{ Params: { '*': string } }>('/admin/*', { schema }, ({ params: { '*': path } }, reply) => {
      if (!FILE.test(path)) return sendIndex(reply);
      return HASHED.test(path)
        ? reply.sendFile(path, { maxAge: '1y', immutable: true })
        : sendUncached(reply, path);
    });
  });
}

/** The index names the files of one build. */
const sendIndex = (reply: FastifyReply) => sendUncached(reply, INDEX);

/** Caches must revalidate the file. */
function sendUncached(reply: FastifyReply, file: string): FastifyReply {
  return reply.header('cache-control', 'no-cache').sendFile(file, { cacheControl: false });
}

/** Unknown paths under /admin/api are not pages. */
function unknownData(scope: FastifyInstance): void {
  for (const unknown of ['/api', '/api/*']) {
    scope.all(unknown, { schema }, ({ method, url }, reply) => {
      const [path = ''] = url.split('?', 1);
      return sendProblem(reply, makeProblem('not_found', `No route ${method} ${path}.`));
    });
  }
}

/**
 * Everything behind the admin login: the dashboard at /admin, its data, and bull-board. The data are the routes of
 * /api/v1, mounted again under /admin/api/v1.
 *
 * @param webRoot folder of the built dashboard.
 */
export async function adminRoutes(
  api: Api,
  deps: ApiContext,
  shared: Shared,
  webRoot: string,
): Promise<void> {
  await api.register(async (scope) => {
    await guardAdmin(scope, deps);
    await boardRoutes(scope, deps);
    await dashboardRoutes(scope, webRoot);
    await scope.register(
      async (data) => {
        guardAdminData(data);
        await mirrorRoutes(data.withTypeProvider<ZodTypeProvider>(), deps, shared);
        unknownData(data);
      },
      { prefix: '/admin' },
    );
  });
}
