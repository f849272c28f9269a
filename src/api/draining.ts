import type { FastifyInstance } from 'fastify';
import type { Api } from './app.ts';
import type { ApiDeps } from './deps.ts';

/** A connection whose last request came before the end would be kept open for the next one, which is not taken. */
const LOOK_EACH_MS = 50;

/** A process that is asked to stop closes each connection with its answer, so that callers come back elsewhere. */
export function closeWhileDraining(api: Api, { stopping }: Pick<ApiDeps, 'stopping'>): void {
  api.addHook('onRequest', (_request, reply, done) => {
    if (stopping.aborted) reply.header('connection', 'close');
    done();
  });
}

/** Takes no more requests; returns when those in progress are answered, however long that takes. */
export async function closeWhenAnswered(api: FastifyInstance): Promise<void> {
  const look = setInterval(() => api.server.closeIdleConnections(), LOOK_EACH_MS);
  try {
    await api.close();
  } finally {
    clearInterval(look);
  }
}
