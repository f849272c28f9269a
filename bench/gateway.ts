import { Pool } from 'undici';
import { openMigrated } from '../dev/demo/servers.ts';
import { createApiKey } from '../src/db/api-keys.ts';
import { openRedis } from '../src/queues/redis.ts';
import { createLogger } from '../src/shared/logger.ts';
import type { Context } from './context.ts';
import { MeasurementFailedError } from './errors.ts';
import type { SandboxTrytonReady } from './programs/sandbox-tryton.ts';
import type { Figure, Subject } from './reporting/figures.ts';
import { median, seriesInTurns } from './reporting/figures.ts';
import type { HttpRequest, LoadOptions } from './setup/load.ts';
import { compareUnderLoad, fetchText, startBaselineRoute } from './setup/load.ts';
import { startHelper } from './setup/processes.ts';
import type { Servers } from './setup/servers.ts';
import { createDatabase, newPrefix, startApi } from './setup/servers.ts';

/*
 * The gateway to Tryton. Cached calls run under load beside a Fastify route that reads one key of Redis. Calls that are
 * not in the cache run one after another, beside the same calls straight to Tryton.
 */

interface GatewayOptions extends LoadOptions {
  /** Calls that are not in the cache, each way. */
  readonly misses: number;
}

/** The gateway and its Tryton. */
interface Gateway {
  readonly url: string;
  readonly key: string;
  readonly tryton: SandboxTrytonReady;
}

const METHOD = 'model.party.party.search_read';
/** The longest time in the cache, so that all requests but the first are hits. */
const HIT = JSON.stringify({ method: METHOD, params: [[], 0, 20, null, ['name', 'code']], cache: 86_400 });
const WARM_UP_MISSES = 200;
/** The permitted extra time of a call through the gateway, in milliseconds. */
const MOST_ADDED_MS = 1;

/** Measures the gateway. @throws MeasurementFailedError on any unexpected answer. */
export async function measureGateway(
  context: Context,
  servers: Servers,
  options: GatewayOptions,
): Promise<Figure[]> {
  const gateway = await startGateway(context, servers);
  context.screen.line('Cached calls beside a bare route');
  const hit = await hitFigure(context, servers, gateway, options);
  context.screen.line('Calls that are not in the cache, beside Tryton itself');
  return [hit, await missFigure(context, gateway, options.misses)];
}

async function startGateway(context: Context, servers: Servers): Promise<Gateway> {
  const databaseUrl = await createDatabase(servers, context.defer);
  const db = await openMigrated(context, databaseUrl);
  const { key } = await createApiKey(db, { name: 'bench', scopes: ['tryton:call'] });
  const { ready: tryton } = await startHelper<SandboxTrytonReady>(context, servers.workspace, {
    ...{ name: 'sandbox-tryton', module: 'bench/programs/sandbox-tryton.ts' },
  });
  const url = await startApi(context, servers, databaseUrl, {
    ...{ TRYTON_RPC_URL: tryton.url, TRYTON_USER: tryton.user, TRYTON_PASSWORD: tryton.password },
  });
  return { url, key, tryton };
}

async function hitFigure(
  context: Context,
  servers: Servers,
  gateway: Gateway,
  options: LoadOptions,
): Promise<Figure> {
  const headers = { 'content-type': 'application/json', authorization: `Bearer ${gateway.key}` };
  const cached: HttpRequest = { url: `${gateway.url}/api/v1/tryton/rpc`, headers, body: HIT };
  const text = await fetchText(cached);
  const baseline: HttpRequest = { ...cached, url: await startBaseline(context, servers, text) };
  if ((await fetchText(baseline)) !== text)
    throw new MeasurementFailedError('The baseline route sends another text than the gateway');
  const { ours, baseline: beside } = await compareUnderLoad(
    options,
    context.ending,
    { name: 'cached call', ...cached },
    { name: 'bare Fastify route, one Redis GET', ...baseline },
  );
  await assertHits(gateway);
  return {
    id: 'gateway.hit',
    title: `Gateway, cached call of ${text.length} bytes, 10 connections`,
    ...{ unit: '/s', ours: ours.rate, beside: beside.rate, target: { is: 'at least', ratio: 0.7 } },
  };
}

async function startBaseline(
  context: Context,
  { workspace, redisUrl }: Servers,
  text: string,
): Promise<string> {
  const redis = openRedis(redisUrl, 'producer', createLogger('silent', 'bench'));
  context.defer(() => redis.disconnect());
  const key = `${newPrefix()}:baseline`;
  context.defer(() => redis.del(key));
  await redis.set(key, text);
  return startBaselineRoute(context, workspace, { redisUrl, key });
}

/** @throws MeasurementFailedError if the answers did not come from the cache. */
async function assertHits({ url, key }: Gateway): Promise<void> {
  const ping = await fetchText({
    url: `${url}/api/v1/tryton/ping`,
    headers: { authorization: `Bearer ${key}` },
  });
  const { cache } = JSON.parse(ping) as { cache: Record<string, Record<string, number>> };
  const { hit = 0, ...others } = cache[METHOD] ?? {};
  const missed = Object.values(others).reduce((sum, count) => sum + count, 0);
  if (hit === 0 || missed > hit / 1000)
    throw new MeasurementFailedError(`The cache answered ${hit} calls and missed ${missed}`);
}

async function missFigure({ ending, defer }: Context, gateway: Gateway, misses: number): Promise<Figure> {
  const subjects = await missSubjects(gateway, defer);
  await ending.before(seriesInTurns(WARM_UP_MISSES, subjects));
  const [ours, beside] = await ending.before(seriesInTurns(misses, subjects));
  const direct = median(beside.values);
  const added = median(ours.values) - direct;
  return {
    id: 'gateway.miss',
    title: `Gateway, call that no cache knows: ${added.toFixed(2)} ms more than straight to Tryton`,
    ...{ unit: 'ms', ours, beside },
    target: { is: 'at most', ratio: (direct + MOST_ADDED_MS) / direct },
  };
}

/** One call that is not in the cache, in milliseconds: through the gateway, and straight to Tryton. */
async function missSubjects({ url, key, tryton }: Gateway, defer: Context['defer']) {
  const gateway = openPost(`${url}/api/v1/tryton/rpc`, `Bearer ${key}`, defer);
  const direct = openPost(tryton.url, await signIn(tryton, defer), defer);
  const [gatewayCall, directCall] = [uncachedCalls(), uncachedCalls()];
  return [
    { name: 'through the gateway', measure: () => timed(() => gateway({ ...gatewayCall(), cache: 60 })) },
    { name: 'straight to Tryton', measure: () => timed(() => direct({ id: 1, ...directCall() })) },
  ] as const satisfies readonly Subject[];
}

/** A function that returns a new call each time, so that no answer is in the cache. */
function uncachedCalls() {
  let number = 0;
  return () => {
    number += 1;
    const params = [[['id', '!=', -number]], 0, 5, null, ['name', 'code'], {}];
    return { method: METHOD, params };
  };
}

interface RpcAnswer {
  readonly result?: unknown;
}

/** Sends calls one after another over one open connection. */
function openPost(url: string, authorization: string, defer: Context['defer']) {
  const { origin, pathname: path } = new URL(url);
  const pool = new Pool(origin, { connections: 1 });
  defer(() => pool.close());
  const headers = { 'content-type': 'application/json', authorization };
  return async (call: object): Promise<RpcAnswer> => {
    const { statusCode, body } = await pool.request({
      ...{ method: 'POST', path, headers, body: JSON.stringify(call) },
    });
    const text = await body.text();
    if (statusCode === 200) return JSON.parse(text);
    throw new MeasurementFailedError(`${url} answered ${statusCode}: ${text.slice(0, 200)}`);
  };
}

async function timed(call: () => Promise<RpcAnswer>): Promise<number> {
  const start = performance.now();
  const { result } = await call();
  const ms = performance.now() - start;
  if (Array.isArray(result) && result.length > 0) return ms;
  throw new MeasurementFailedError('A call to Tryton returned no records');
}

/** The authorization header of a new session. */
async function signIn({ url, user, password }: SandboxTrytonReady, defer: Context['defer']): Promise<string> {
  const post = openPost(url, '', defer);
  const { result } = await post({ id: 1, method: 'common.db.login', params: [user, { password }] });
  return `Session ${Buffer.from(`${user}:${String(result).replace(',', ':')}`).toString('base64')}`;
}
