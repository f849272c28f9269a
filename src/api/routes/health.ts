import { sql } from 'drizzle-orm';
import { z } from 'zod';
import { pendingMigrations } from '../../db/migrations.ts';
import { errorMessage } from '../../errors.ts';
import type { Api } from '../app.ts';
import type { ApiDeps } from '../deps.ts';
import { requireRedis } from '../guards.ts';
import { makeProblem, problemResponses, sendProblem } from '../problem.ts';
import { within } from '../within.ts';

/** Liveness touches nothing; readiness asks PostgreSQL, Redis and the migrations. */
export function healthRoutes(api: Api, deps: ApiDeps): void {
  api.get(
    '/healthz',
    {
      schema: {
        tags: ['health'],
        summary: 'The process answers',
        response: { 200: z.object({ status: z.literal('ok') }) },
      },
    },
    async () => ({ status: 'ok' as const }),
  );

  api.get(
    '/readyz',
    {
      schema: {
        tags: ['health'],
        summary: 'PostgreSQL, Redis and the migrations are as the API needs them',
        response: { 200: z.object({ status: z.literal('ready') }), ...problemResponses },
      },
    },
    async (request, reply) => {
      if (deps.stopping.aborted)
        return sendProblem(reply, makeProblem('not_ready', 'The process is stopping.'));
      const found = await Promise.all([checkDatabase(deps), checkRedis(deps)]);
      const errors = found.filter((check) => check !== null);
      if (errors.length === 0) return { status: 'ready' as const };
      request.log.warn({ errors }, 'not ready');
      const detail = errors.map(({ name, message }) => `${name}: ${message}`).join('; ');
      return sendProblem(reply, makeProblem('not_ready', detail, errors));
    },
  );
}

type Check = { readonly name: string; readonly message: string } | null;

async function checkDatabase({ reserveDb: db, log }: ApiDeps): Promise<Check> {
  try {
    await within(db.execute(sql`select 1`), 'PostgreSQL');
    const pending = await within(pendingMigrations(db), 'PostgreSQL');
    if (pending.length === 0) return null;
    return { name: 'migrations', message: `run \`npm run migrate\`: ${pending.join(', ')} not applied` };
  } catch (error) {
    log.warn({ err: error }, 'PostgreSQL is not ready');
    return { name: 'postgresql', message: 'does not answer' };
  }
}

async function checkRedis({ redis, log }: ApiDeps): Promise<Check> {
  try {
    await requireRedis(redis);
    return null;
  } catch (error) {
    log.warn({ reason: errorMessage(error) }, 'Redis is not ready');
    return { name: 'redis', message: 'does not answer' };
  }
}
