import { sql } from 'drizzle-orm';
import { z } from 'zod';
import { pendingMigrations } from '../../db/migrate.ts';
import { checkToken } from '../../observability/metrics/token.ts';
import { reportOutage } from '../../queues/redis-outage.ts';
import type { Api, ApiContext } from '../context.ts';
import { answerWithin } from '../errors.ts';
import { limitAddresses } from '../plugins/rate-limit.ts';
import { requireRedis } from '../preconditions.ts';
import { makeProblem, sendProblem } from '../problem-details.ts';
import { statusAnswer } from '../schemas.ts';

/** Liveness checks nothing; readiness checks PostgreSQL, Redis and the migrations. */
export function healthRoutes(api: Api, deps: ApiContext): void {
  // Concurrent probes share one check.
  let checking: Promise<Check[]> | null = null;
  // Probes come every few seconds: a change is logged, not each of them.
  let logged = '';
  api.get(
    '/healthz',
    {
      schema: {
        tags: ['health'],
        summary: 'The process answers',
        description: 'Checks nothing else. For the probe that restarts a process.',
        response: { 200: statusAnswer('ok') },
      },
    },
    async () => ({ status: 'ok' as const }),
  );

  api.get(
    '/readyz',
    {
      config: { problems: ['not_ready'] },
      schema: {
        tags: ['health'],
        summary: 'PostgreSQL, Redis and the migrations are as the API needs them',
        description: 'For the probe that sends requests elsewhere. `errors` names each check that fails.',
        response: { 200: statusAnswer('ready') },
      },
    },
    async (request, reply) => {
      if (deps.stopping.aborted)
        return sendProblem(reply, makeProblem('not_ready', 'The process is stopping.'));
      checking ??= Promise.all([checkDatabase(deps), checkRedis(deps)]).finally(() => {
        checking = null;
      });
      const found = await checking;
      const errors = found.filter((check) => check !== null);
      const names = errors.map(({ name }) => name).join();
      if (names !== logged && names !== '') request.log.warn({ errors }, 'not ready');
      logged = names;
      if (errors.length === 0) return { status: 'ready' as const };
      const detail = errors.map(({ name, message }) => `${name}: ${message}`).join('; ');
      return sendProblem(reply, makeProblem('not_ready', detail, errors));
    },
  );
}

type Check = { readonly name: string; readonly message: string } | null;

async function checkDatabase({ reserveDb: db, log }: ApiContext): Promise<Check> {
  try {
    await answerWithin(db.execute(sql`select 1`), 'PostgreSQL');
    const pending = await answerWithin(pendingMigrations(db), 'PostgreSQL');
    if (pending.length === 0) return null;
    return { name: 'migrations', message: `run \`passerelle migrate\`: ${pending.join(', ')} not applied` };
  } catch (error) {
    log.warn({ err: error }, 'PostgreSQL is not ready');
    return { name: 'postgresql', message: 'does not answer' };
  }
}

async function checkRedis({ redis, log }: ApiContext): Promise<Check> {
  try {
    await requireRedis(redis);
    return null;
  } catch (error) {
    reportOutage(log, error);
    return { name: 'redis', message: 'does not answer' };
  }
}

/** Measures each answer. Call it before routes are added. */
export function measureAnswers(api: Api, { metrics }: Pick<ApiContext, 'metrics'>): void {
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

const EXAMPLE =
  '# HELP passerelle_up 1 while the process answers\n# TYPE passerelle_up gauge\npasserelle_up 1\n';

const text = {
  description: 'Prometheus text format',
  content: { 'text/plain': { schema: z.string().meta({ examples: [EXAMPLE] }) } },
};

/**
 * Open unless METRICS_TOKEN is set, because metrics contain no secret and no content of a BC. It is not limited to
 * loopback: Prometheus often runs on another host, and behind a proxy on this machine every client has a loopback
 * address. A scrape takes a few milliseconds and some queries, so each address has a limit, also for guessing tokens.
 */
export function metricsRoute(api: Api, deps: ApiContext): void {
  api.get(
    '/metrics',
    {
      onRequest: limitAddresses(deps),
      config: { problems: ['bad_metrics_token', 'rate_limited'] },
      schema: {
        tags: ['health'],
        summary: 'Metrics for Prometheus; partial if PostgreSQL or Redis does not answer',
        description: 'Open, unless METRICS_TOKEN is set: then with Authorization: Bearer.',
        response: { 200: text },
      },
    },
    async (request, reply) => {
      checkToken(deps.config.metrics.token, request.headers.authorization);
      const scraped = await deps.metrics.scrape(deps);
      return reply.type(scraped.contentType).send(scraped.text);
    },
  );
}
