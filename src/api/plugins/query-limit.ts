import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { Semaphore } from '../../shared/semaphore.ts';
import type { ApiSettings } from '../context.ts';
import { TooManyQueriesError } from '../errors.ts';
import { whileClientWaits } from '../replies.ts';

/** The admin pages have no key. All of them together count as one. */
const ADMIN = 0;

/**
 * A limit of running requests for each key, for routes that query PostgreSQL. Without it, the slow lists of one key hold
 * every connection of the process, and the requests of all other keys wait for them.
 */
export class QueryLimit {
  readonly #settings: Pick<ApiSettings, 'queriesPerKey' | 'queryWaitMs'>;
  /** By the id of the key. There are at most as many as there are keys. */
  readonly #running = new Map<number, Semaphore>();

  constructor(settings: Pick<ApiSettings, 'queriesPerKey' | 'queryWaitMs'>) {
    this.#settings = settings;
  }

  /** Adds the limit to every route of the scope that is added after this call. */
  guard(scope: FastifyInstance): void {
    scope.addHook('onRoute', (route) => {
      const { handler, config } = route;
      const limit = this;
      route.config = { ...config, problems: [...(config?.problems ?? []), 'too_many_queries'] };
      route.handler = async function (request, reply) {
        const release = await limit.#enter(request, reply);
        try {
          return await handler.call(this, request, reply);
        } finally {
          release();
        }
      };
    });
  }

  /** @throws TooManyQueriesError, or ClientGoneError */
  #enter({ apiKey }: FastifyRequest, reply: FastifyReply): (() => void) | Promise<() => void> {
    const { queriesPerKey, queryWaitMs } = this.#settings;
    const running = this.#of(apiKey?.id ?? ADMIN);
    return (
      running.tryAcquire(1) ??
      running.acquire(1, {
        ms: queryWaitMs,
        late: () => new TooManyQueriesError(queriesPerKey),
        signal: whileClientWaits(reply)(),
      })
    );
  }

  #of(id: number): Semaphore {
    const found = this.#running.get(id) ?? new Semaphore(this.#settings.queriesPerKey);
    this.#running.set(id, found);
    return found;
  }
}
