import { count } from '../../dev/demo/context.ts';
import type { Figure, Series } from '../frame/figure.ts';
import type { Measured } from './study.ts';

/** BullMQ with nothing to do: of its rate, so much has to be left. */
const LEAST_OF_NO_OP = { is: 'at least', ratio: 0.6 } as const;
const MOST_GROWTH = { is: 'at most', ratio: 1.15 } as const;
const WITHIN = { is: 'at most', ratio: 1 } as const;
/** Below, what a run costs whatever its size is most of it. */
const LEAST_DOCUMENTS = 10_000;
/** In MB. */
const LIMITS = { rss: 250, redis: 100 };
/** To Odoo, of a run with nothing to do. */
const MOST_CALLS = 6;

/** The figures of the study, size by size. */
export function scaleFigures(measured: readonly Measured[]): Figure[] {
  const sizes = [...new Set(measured.map(({ documents }) => documents))].sort((a, b) => a - b);
  const [smallest = 0] = sizes;
  return sizes.flatMap((documents) => {
    const all = measured.filter((one) => one.documents === documents);
    const [alone, several] = [
      all.filter(({ workers }) => workers === 1),
      all.filter(({ workers }) => workers > 1),
    ];
    const first = measured.filter((one) => one.documents === smallest && one.workers === 1);
    return [
      ...(alone.length === 0 ? [] : [rate(documents, alone)]),
      ...(documents === smallest || alone.length === 0 || first.length === 0
        ? []
        : [growth(documents, alone, first)]),
      ...byWorkers(several).map((some) => crew(documents, some, alone)),
      ...needs(documents, all),
    ];
  });
}

function rate(documents: number, alone: readonly Measured[]): Figure {
  const noOp = alone.map((one) => one.noOp).filter((value) => value !== null);
  return {
    id: `scale.rate.${documents}`,
    title: `${count(documents)} BC: full sync, BC per second, by one worker`,
    unit: '/s',
    ours: series('Passerelle', alone, (one) => one.documents / one.seconds),
    beside: { name: 'no-op BullMQ worker', values: noOp },
    target: documents < LEAST_DOCUMENTS ? null : LEAST_OF_NO_OP,
  };
}

function growth(documents: number, alone: readonly Measured[], first: readonly Measured[]): Figure {
  const smallest = first[0]?.documents ?? 0;
  return {
    id: `scale.growth.${documents}`,
    title: `${count(documents)} BC: full sync, time for 1,000 of them`,
    unit: 's',
    ours: series('Passerelle', alone, perThousand),
    beside: series(`with ${count(smallest)} BC`, first, perThousand),
    target: smallest < LEAST_DOCUMENTS ? null : MOST_GROWTH,
  };
}

function crew(documents: number, several: readonly Measured[], alone: readonly Measured[]): Figure {
  const workers = several[0]?.workers ?? 0;
  return {
    id: `scale.workers.${documents}.${workers}`,
    title: `${count(documents)} BC: full sync by ${workers} workers`,
    unit: 's',
    ours: series(`${workers} workers`, several, ({ seconds }) => seconds),
    beside: alone.length === 0 ? null : series('one worker', alone, ({ seconds }) => seconds),
    target: null,
  };
}

/** The maximum for any number of workers. */
function needs(documents: number, all: readonly Measured[]): Figure[] {
  const about = (what: string) => `${count(documents)} BC: ${what}`;
  const limit = (value: number) => ({ name: 'limit', values: [value] });
  return [
    {
      ...{
        id: `scale.rss.${documents}`,
        title: about('memory of the largest worker'),
        unit: 'MB',
        target: WITHIN,
      },
      ...{ ours: most(all, ({ rss }) => rss), beside: limit(LIMITS.rss) },
    },
    {
      ...{ id: `scale.redis.${documents}`, title: about('memory of Redis'), unit: 'MB', target: WITHIN },
      ...{ ours: most(all, ({ redis }) => redis), beside: limit(LIMITS.redis) },
    },
    {
      ...{
        id: `scale.database.${documents}`,
        title: about('size of the database'),
        unit: 'MB',
        target: null,
      },
      ...{ ours: most(all, ({ database }) => database), beside: null },
    },
    {
      ...{
        id: `scale.idle.${documents}`,
        title: about('calls when nothing changed'),
        unit: 'calls',
        target: WITHIN,
      },
      ...{
        ours: most(all, ({ incremental }) => incremental.calls),
        beside: limit(MOST_CALLS),
      },
    },
  ];
}

function byWorkers(measured: readonly Measured[]): Measured[][] {
  const numbers = [...new Set(measured.map(({ workers }) => workers))].sort((a, b) => a - b);
  return numbers.map((number) => measured.filter(({ workers }) => workers === number));
}

const perThousand = ({ seconds, documents }: Measured): number => (seconds * 1000) / documents;

function series(name: string, measured: readonly Measured[], of: (one: Measured) => number): Series {
  return { name, values: measured.map(of) };
}

/** A limit holds in every round. */
function most(measured: readonly Measured[], of: (one: Measured) => number): Series {
  return { name: 'Passerelle', values: [Math.max(...measured.map(of))] };
}
