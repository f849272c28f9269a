import type { Ending } from '../../dev/demo/context.ts';
import type { Contender, Figure } from '../frame/figure.ts';
import { inTurns } from '../frame/figure.ts';
import { BenchFailedError } from '../memory/errors.ts';
import type { Get } from './load.ts';
import { load } from './load.ts';
import { answerTo, PAGE } from './pages.ts';

const WARM_UP_SECONDS = 2;

export interface LoadOptions {
  readonly rounds: number;
  /** Duration of the load for each contender in a round. */
  readonly seconds: number;
}

/** The list under load beside the bare route: how many answers, and how late the latest. */
export async function loadFigures(
  list: Get,
  bare: Get,
  { rounds, seconds }: LoadOptions,
  ending: Ending,
): Promise<Figure[]> {
  const text = await answerTo(list);
  if (!text.startsWith(`{"items":${await answerTo(bare)},`)) {
    throw new BenchFailedError('the bare route sends something else');
  }
  for (const request of [list, bare]) await ending.before(load(request, WARM_UP_SECONDS));
  const loaded = (name: string, request: Get) => {
    const p99: number[] = [];
    const measure = async () => {
      const found = await ending.before(load(request, seconds));
      p99.push(found.p99);
      return found.rate;
    };
    return { contender: { name, measure } satisfies Contender, late: { name, values: p99 } };
  };
  const our = loaded('read API', list);
  const other = loaded('bare Fastify route, the same query', bare);
  const [ours, beside = null] = await inTurns(rounds, [our.contender, other.contender]);
  if (ours === undefined) throw new BenchFailedError('nothing was measured');
  const title = `Read API, list of ${PAGE} with lines, ${Math.round(text.length / 1000)} kB, 10 connections`;
  return [
    { id: 'read.list', title, unit: '/s', ours, beside, target: { is: 'at least', ratio: 0.7 } },
    {
      ...{ id: 'read.list.p99', title: `${title}: 99 % answered within`, unit: 'ms' },
      ...{ ours: our.late, beside: other.late, target: null },
    },
  ];
}
