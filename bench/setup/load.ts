import autocannon from 'autocannon';
import type { Ending } from '../../dev/demo/context.ts';
import type { Workspace } from '../../src/embedded/workspace.ts';
import type { Context } from '../context.ts';
import { MeasurementFailedError } from '../errors.ts';
import type { Source } from '../programs/baseline-route.ts';
import type { Series } from '../reporting/figures.ts';
import { takeTurns } from '../reporting/figures.ts';
import { startHelper } from './processes.ts';

/** A request that is sent again and again: a POST if it has a body. */
export interface HttpRequest {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
}

export interface LoadOptions {
  readonly rounds: number;
  /** Duration of the load, for each request in a round. */
  readonly seconds: number;
}

interface LoadSeries {
  /** Answers per second. */
  readonly rate: Series;
  /** Milliseconds within which 99 % of the answers came. */
  readonly p99: Series;
}

const CONNECTIONS = 10;
const WARM_UP_SECONDS = 2;

/** Starts the baseline route. @returns its URL. */
export async function startBaselineRoute(
  context: Context,
  workspace: Workspace,
  source: Source,
): Promise<string> {
  const { ready } = await startHelper<{ url: string }>(context, workspace, {
    ...{ name: 'baseline-route', module: 'bench/programs/baseline-route.ts', args: [JSON.stringify(source)] },
  });
  return ready.url;
}

/**
 * Measures two requests under load, in turns, after a warm-up of each.
 *
 * @throws MeasurementFailedError unless every answer is a 200.
 */
export async function compareUnderLoad(
  { rounds, seconds }: LoadOptions,
  ending: Ending,
  ours: HttpRequest & { readonly name: string },
  baseline: HttpRequest & { readonly name: string },
): Promise<{ readonly ours: LoadSeries; readonly baseline: LoadSeries }> {
  for (const request of [ours, baseline]) await ending.before(load(request, WARM_UP_SECONDS));
  const [ourLoads, baselineLoads] = await takeTurns(rounds, [
    () => ending.before(load(ours, seconds)),
    () => ending.before(load(baseline, seconds)),
  ] as const);
  return { ours: seriesOf(ours.name, ourLoads), baseline: seriesOf(baseline.name, baselineLoads) };
}

interface Load {
  readonly rate: number;
  readonly p99: number;
}

function seriesOf(name: string, loads: readonly Load[]): LoadSeries {
  return {
    rate: { name, values: loads.map(({ rate }) => rate) },
    p99: { name, values: loads.map(({ p99 }) => p99) },
  };
}

/** Keeps 10 connections open for that many seconds, with one request under way on each. */
async function load({ url, headers, body }: HttpRequest, seconds: number): Promise<Load> {
  const sent = {
    url,
    headers: { ...headers },
    method: methodOf(body),
    ...(body === undefined ? {} : { body }),
  };
  const found = await autocannon({ ...sent, connections: CONNECTIONS, duration: seconds });
  const { errors, timeouts, non2xx, requests, duration, latency } = found;
  if (errors + timeouts + non2xx > 0 || requests.total === 0) {
    throw new MeasurementFailedError(
      `${url}: of ${requests.total} requests ${non2xx} were refused, ${errors} failed and ${timeouts} timed out`,
    );
  }
  return { rate: requests.total / duration, p99: latency.p99 };
}

/** Sends a request once. @throws MeasurementFailedError unless the answer is a 200. */
export async function fetchText({ url, headers, body }: HttpRequest): Promise<string> {
  const answer = await fetch(url, { method: methodOf(body), headers, body: body ?? null });
  const text = await answer.text();
  if (answer.ok) return text;
  throw new MeasurementFailedError(`${url} answered ${answer.status}: ${text.slice(0, 200)}`);
}

function methodOf(body: string | undefined): 'GET' | 'POST' {
  return body === undefined ? 'GET' : 'POST';
}
