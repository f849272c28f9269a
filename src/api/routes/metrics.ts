import { z } from 'zod';
import { checkToken } from '../../metrics/token.ts';
import type { Api } from '../app.ts';
import type { ApiDeps } from '../deps.ts';
import { problemResponses } from '../problem.ts';

/** Notes of each answer how long it took. To be called before the routes are added. */
export function measureAnswers(api: Api, { metrics }: Pick<ApiDeps, 'metrics'>): void {
  api.addHook('onResponse', (request, reply, done) => {
    metrics.answered({
      method: request.method,
      route: request.routeOptions.url,
      status: reply.statusCode,
      ms: reply.elapsedTime,
    });
    done();
  });
}

const text = {
  description: 'Prometheus text format',
  content: { 'text/plain': { schema: z.string() } },
};

/** Figures for Prometheus: neither secrets nor anything of a BC, so it is open unless METRICS_TOKEN is set. */
export function metricsRoute(api: Api, deps: ApiDeps): void {
  api.get(
    '/metrics',
    {
      schema: {
        tags: ['health'],
        summary: 'Figures for Prometheus; answers with what is known while a store is down',
        response: { 200: text, ...problemResponses },
      },
    },
    async (request, reply) => {
      checkToken(deps.config.metrics.token, request.headers.authorization);
      const scraped = await deps.metrics.scrape(deps);
      return reply.type(scraped.contentType).send(scraped.text);
    },
  );
}
