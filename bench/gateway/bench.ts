import type { Ending, Screen } from '../../dev/demo/context.ts';
import { withResources } from '../../src/shared/lifecycle.ts';
import type { Figure } from '../frame/figure.ts';
import { inTurns, median } from '../frame/figure.ts';
import { BenchFailedError } from '../memory/errors.ts';
import type { Shot } from './load.ts';
import { rateOf } from './load.ts';
import { openMisses } from './miss.ts';
import type { GatewayStage } from './stage.ts';
import { setGatewayStage } from './stage.ts';

interface GatewayOptions {
  /** Number of cached calls against the bare route. */
  readonly rounds: number;
  /** Duration of the load for each contender in a round. */
  readonly seconds: number;
  /** Single calls that no cache knows, by each of the two ways. */
  readonly misses: number;
}

/** Kept for as long as it can be: all requests but the first are hits. */
const METHOD = 'model.party.party.search_read';
const HIT = JSON.stringify({ method: METHOD, params: [[], 0, 20, null, ['name', 'code']], cache: 86_400 });
const WARM_UP = { seconds: 2, misses: 200 };
/** The permitted extra time of a call through the gateway, in milliseconds. */
const MOST_ADDED_MS = 1;

/** The gateway against a direct call to Tryton. @throws BenchFailedError on any unexpected answer. */
export async function measureGateway(
  options: GatewayOptions,
  ending: Ending,
  screen: Screen,
): Promise<Figure[]> {
  return withResources(async (defer) => {
    const stage = await setGatewayStage({ ending, screen, defer });
    screen.line('Cached calls against a bare route');
    const hit = await hitFigure(stage, options, ending);
    screen.line('Calls that no cache knows against Tryton itself');
    return [hit, await missFigure(stage, options, ending)];
  });
}

async function hitFigure(
  stage: GatewayStage,
  { rounds, seconds }: GatewayOptions,
  ending: Ending,
): Promise<Figure> {
  const headers = { 'content-type': 'application/json', authorization: `Bearer ${stage.key}` };
  const cached: Shot = { url: `${stage.url}/api/v1/tryton/rpc`, headers, body: HIT };
  const text = await answerTo(cached);
  const bare: Shot = { ...cached, url: (await stage.startBare(text)).url };
  if ((await answerTo(bare)) !== text) throw new BenchFailedError('the bare route sends something else');
  for (const shot of [cached, bare]) await ending.before(rateOf(shot, WARM_UP.seconds));
  const measure = (shot: Shot) => () => ending.before(rateOf(shot, seconds));
  const [ours, beside = null] = await inTurns(rounds, [
    { name: 'cached call', measure: measure(cached) },
    { name: 'bare Fastify route, one Redis GET', measure: measure(bare) },
  ]);
  if (ours === undefined) throw new BenchFailedError('nothing was measured');
  await assertHits(stage);
  return {
    id: 'gateway.hit',
    title: `Gateway, cached call of ${text.length} bytes, 10 connections`,
    ...{ unit: '/s', ours, beside, target: { is: 'at least', ratio: 0.7 } },
  };
}

async function answerTo({ url, headers, body }: Shot): Promise<string> {
  const answer = await fetch(url, { method: 'POST', headers, body });
  const text = await answer.text();
  if (!answer.ok) throw new BenchFailedError(`${url} answered ${answer.status}: ${text.slice(0, 200)}`);
  return text;
}

/** @throws BenchFailedError if the answers did not come from the cache. */
async function assertHits({ url, key }: GatewayStage): Promise<void> {
  const answer = await fetch(`${url}/api/v1/tryton/ping`, { headers: { authorization: `Bearer ${key}` } });
  const { cache } = (await answer.json()) as { cache: Record<string, Record<string, number>> };
  const { hit = 0, ...others } = cache[METHOD] ?? {};
  const past = Object.values(others).reduce((sum, count) => sum + count, 0);
  if (hit === 0 || past > hit / 1000) throw new BenchFailedError(`${hit} hits and ${past} others`);
}

async function missFigure(stage: GatewayStage, { misses }: GatewayOptions, ending: Ending): Promise<Figure> {
  const { contenders, close } = await openMisses(stage);
  await ending.before(inTurns(WARM_UP.misses, contenders));
  const [ours, beside] = await ending.before(inTurns(misses, contenders));
  await close();
  if (ours === undefined || beside === undefined) throw new BenchFailedError('nothing was measured');
  const direct = median(beside.values);
  const added = median(ours.values) - direct;
  return {
    id: 'gateway.miss',
    title: `Gateway, call that no cache knows: ${added.toFixed(2)} ms more than straight to Tryton`,
    ...{ unit: 'ms', ours, beside },
    target: { is: 'at most', ratio: (direct + MOST_ADDED_MS) / direct },
  };
}
