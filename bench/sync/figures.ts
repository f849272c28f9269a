import type { Figure, Series } from '../frame/figure.ts';
import type { MeasuredRun } from '../frame/mirror.ts';
import type { Fetched } from '../rival/bare-fetch.ts';
import type { NaiveResult } from '../rival/naive.ts';
import type { Twice } from './contest.ts';
import { rateOf } from './contest.ts';

/** The results of the rounds. */
interface Contest {
  /** First part of the figures' ids. */
  readonly id: string;
  /** The protocol, as people write it. */
  readonly by: string;
  readonly ours: readonly Twice<MeasuredRun>[];
  readonly bare: readonly Fetched[];
  /** Empty: it was not measured here. */
  readonly naive: readonly Twice<NaiveResult>[];
  /** The most that a sync may take, in bare fetches; null: this is for information. */
  readonly atMost: number | null;
}

const TIMES = [
  ['first', 'First full sync'],
  ['again', 'Full sync, nothing changed'],
] as const;
const NAIVE_AT_LEAST = 20;

export function syncFigures(contest: Contest): Figure[] {
  return [...(contest.naive.length === 0 ? [] : besideNaive(contest)), ...besideBareFetch(contest)];
}

function besideNaive({ id, by, ours, naive }: Contest): Figure[] {
  return TIMES.map(([time, title]) => ({
    id: `${id}.${time}.naive`,
    title: `${title} by ${by}, BC per second`,
    unit: '/s',
    ours: { name: 'Passerelle', values: ours.map((round) => rateOf(round[time])) },
    beside: { name: 'naive rival by XML-RPC', values: naive.map((round) => rateOf(round[time])) },
    target: { is: 'at least', ratio: NAIVE_AT_LEAST },
  }));
}

function besideBareFetch({ id, by, ours, bare, atMost }: Contest): Figure[] {
  const beside: Series = { name: `bare fetch by ${by}`, values: bare.map(({ seconds }) => seconds) };
  const target = atMost === null ? null : ({ is: 'at most', ratio: atMost } as const);
  return TIMES.flatMap(([time, title]): Figure[] => [
    {
      id: `${id}.${time}.bare`,
      title: `${title} by ${by}`,
      unit: 's',
      ours: { name: 'Passerelle', values: ours.map((round) => round[time].seconds) },
      ...{ beside, target },
    },
    {
      id: `${id}.${time}.request`,
      title: `${title} by ${by}, from the request on`,
      unit: 's',
      ours: { name: 'Passerelle', values: ours.map((round) => round[time].secondsFromRequest) },
      ...{ beside, target: null },
    },
  ]);
}
