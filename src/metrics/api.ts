import type { Registry } from 'prom-client';
import type { Database } from '../db/connection.ts';
import { errorCode } from '../errors.ts';
import type { GatewayObservers } from '../gateway/open.ts';
import type { Log } from '../logger.ts';
import type { Queues } from '../queues/queues.ts';
import { BC_KEY } from '../sync/document.ts';
import type { TrytonClient } from '../tryton/client.ts';
import type { CallOutcome } from '../tryton/options.ts';
import { answered } from './answered.ts';
import { callMetrics } from './calls.ts';
import type { Answered } from './http.ts';
import { httpMetrics } from './http.ts';
import { mirrorMetrics } from './mirror.ts';
import { queueMetrics } from './queues.ts';
import type { Scraped } from './registry.ts';
import { openRegistry, textOf } from './registry.ts';
import { storeMetrics } from './stores.ts';
import { trytonMetrics } from './tryton.ts';
import { upstreamMetrics } from './upstreams.ts';

/** A store that takes longer counts as down for this scrape: Prometheus waits ten seconds for the whole. */
const STORE_LIMIT_MS = 2000;

export interface ApiSources {
  readonly db: Database;
  readonly queues: Queues;
  /** Null where no Tryton is configured. */
  readonly tryton: TrytonClient | null;
  /** Told what is left out, and why. */
  readonly log: Log;
}

/** What an API process tells: its own figures, and what all processes share, asked for at each scrape. */
export interface ApiMetrics {
  /** For who describes them. */
  readonly registry: Registry;
  answered(answer: Answered): void;
  /** For the gateway: what it tells of its calls and sign-ins. */
  readonly gateway: Required<GatewayObservers>;
  /** Never rejects. Scrapes that come together are one. */
  scrape(sources: ApiSources): Promise<Scraped>;
}

export function openApiMetrics(): ApiMetrics {
  const registry = openRegistry();
  const stores = storeMetrics(registry);
  const queues = queueMetrics(registry);
  const tryton = trytonMetrics(registry);
  const ofPostgres = [stores, mirrorMetrics(registry, BC_KEY), upstreamMetrics(registry)];
  const refresh = async ({ db, queues: asked, tryton: client, log }: ApiSources) => {
    const [postgresql, redis] = await Promise.all([
      inTime(
        'PostgreSQL',
        log,
        ofPostgres.map((part) => () => part.refresh(db)),
      ),
      inTime('Redis', log, [() => queues.refresh(asked)]),
      inTime('the gateway', log, client === null ? [] : [() => tryton.refresh(client)]),
    ]);
    stores.told('postgresql', postgresql);
    stores.told('redis', redis);
    return textOf(registry);
  };
  const tell = callMetrics(registry);
  const called = ({ method, ms, error }: CallOutcome) =>
    tell({ server: 'tryton', method, ms, code: error === null ? null : errorCode(error) });
  let scraping: Promise<Scraped> | null = null;
  return {
    registry,
    answered: httpMetrics(registry),
    gateway: {
      called,
      signedIn: (login) => {
        tryton.signedIn(login.error);
        called(login);
      },
    },
    scrape: (sources) => {
      scraping ??= refresh(sources).finally(() => {
        scraping = null;
      });
      return scraping;
    },
  };
}

/** Whether all of it was done in time. */
async function inTime(from: string, log: Log, works: readonly (() => Promise<void>)[]): Promise<boolean> {
  const done = () => Promise.all(works.map((work) => work()));
  const why = (reason: string) => log.warn({ from, reason }, 'metrics are left out');
  return (await answered(done, STORE_LIMIT_MS, why)) !== null;
}
