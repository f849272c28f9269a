import { existsSync } from 'node:fs';
import { join } from 'node:path';
import compress from '@fastify/compress';
import files from '@fastify/static';
import type { FastifyInstance, FastifyReply } from 'fastify';
import { DashboardNotBuiltError } from '../admin-errors.ts';
import { makeProblem, sendProblem } from '../problem.ts';
import { DASHBOARD_POLICY, securePages } from '../security-headers.ts';

const schema = { hide: true };
const INDEX = 'index.html';
/** What the build names after its content. */
const HASHED = /^assets\//;
/** A file, unlike a page such as `bc/42`. */
const FILE = /\.[a-z0-9]+$/;

/** The dashboard's files. Every other path under /admin is one of its pages, which the browser knows. */
export async function dashboardRoutes(scope: FastifyInstance, webRoot: string): Promise<void> {
  await scope.register(async (pages) => {
    securePages(pages, DASHBOARD_POLICY);
    if (!existsSync(join(webRoot, INDEX))) {
      const tell = () => {
        throw new DashboardNotBuiltError();
      };
      pages.get('/admin', { schema }, tell);
      pages.get('/admin/*', { schema }, tell);
      return;
    }
    await pages.register(compress, { encodings: ['br', 'gzip'], globalDecompression: false });
    await pages.register(files, { root: webRoot, serve: false });
    pages.get('/admin', { schema }, (_request, reply) => sendIndex(reply));
    pages.get<{ Params: { '*': string } }>('/admin/*', { schema }, ({ params: { '*': path } }, reply) => {
      if (!FILE.test(path)) return sendIndex(reply);
      return HASHED.test(path)
        ? reply.sendFile(path, { maxAge: '1y', immutable: true })
        : sendAnew(reply, path);
    });
  });
}

/** It names the files of one build. */
const sendIndex = (reply: FastifyReply) => sendAnew(reply, INDEX);

/** Never from a cache without asking. */
function sendAnew(reply: FastifyReply, file: string): FastifyReply {
  return reply.header('cache-control', 'no-cache').sendFile(file, { cacheControl: false });
}

/** What is no route under /admin/api is not a page either. */
export function unknownData(scope: FastifyInstance): void {
  for (const unknown of ['/api', '/api/*']) {
    scope.all(unknown, { schema }, ({ method, url }, reply) => {
      const [path = ''] = url.split('?', 1);
      return sendProblem(reply, makeProblem('not_found', `No route ${method} ${path}.`));
    });
  }
}
