import { writeFile } from 'node:fs/promises';
import { count } from '../../dev/demo/context.ts';
import type { Figure, Series } from '../reporting/figures.ts';
import { median, numberText } from '../reporting/figures.ts';
import { readPage } from '../reporting/publish.ts';
import { markdownRow } from '../reporting/tables.ts';

/** A full sync of so many BCs by so many workers. Sizes in MB of a million bytes. */
export interface Measured {
  readonly documents: number;
  readonly lines: number;
  readonly workers: number;
  readonly seconds: number;
  /** BCs per second of the no-op worker, the mean before and after the sync; null beside several workers. */
  readonly noOp: number | null;
  /** The most memory of the largest worker. */
  readonly rss: number;
  readonly redis: number;
  readonly database: number;
  /** A run with nothing to do, after the full one. */
  readonly incremental: { readonly seconds: number; readonly calls: number };
}

/** The share of the no-op worker's rate that has to remain. */
const LEAST_OF_NO_OP = { is: 'at least', ratio: 0.6 } as const;
const MOST_GROWTH = { is: 'at most', ratio: 1.15 } as const;
const WITHIN = { is: 'at most', ratio: 1 } as const;
/** In a smaller run, the costs that do not depend on its size dominate. */
const LEAST_DOCUMENTS = 10_000;
/** In MB. */
const LIMITS = { rss: 250, redis: 100 };
/** Calls to Odoo of a run with nothing to do. */
const MOST_CALLS = 6;

/** The figures of all sizes. */
export function scaleFigures(measured: readonly Measured[]): Figure[] {
  const sizes = distinct(measured.map(({ documents }) => documents));
  const [smallest = 0] = sizes;
  const first = measured.filter(({ documents, workers }) => documents === smallest && workers === 1);
  return sizes.flatMap((documents) => {
    const all = measured.filter((one) => one.documents === documents);
    const alone = all.filter(({ workers }) => workers === 1);
    const several = distinct(all.map(({ workers }) => workers).filter((workers) => workers > 1));
    const grows = documents !== smallest && alone.length > 0 && first.length > 0;
    return [
      ...(alone.length === 0 ? [] : [rate(documents, alone)]),
      ...(grows ? [growth(documents, alone, first)] : []),
      ...several.map((number) => byWorkers(documents, number, all, alone)),
      ...resources(documents, all),
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
    ours: series('Passerelle', alone, secondsPerThousand),
    beside: series(`with ${count(smallest)} BC`, first, secondsPerThousand),
    target: smallest < LEAST_DOCUMENTS ? null : MOST_GROWTH,
  };
}

function byWorkers(
  documents: number,
  workers: number,
  all: readonly Measured[],
  alone: readonly Measured[],
): Figure {
  const several = all.filter((one) => one.workers === workers);
  return {
    id: `scale.workers.${documents}.${workers}`,
    title: `${count(documents)} BC: full sync by ${workers} workers`,
    unit: 's',
    ours: series(`${workers} workers`, several, ({ seconds }) => seconds),
    beside: alone.length === 0 ? null : series('one worker', alone, ({ seconds }) => seconds),
    target: null,
  };
}

/** Memory, disk and calls: the maximum of all rounds and all numbers of workers, because a limit holds in each. */
function resources(documents: number, all: readonly Measured[]): Figure[] {
  const figure = (
    id: string,
    title: string,
    unit: Figure['unit'],
    of: (one: Measured) => number,
    limit: number | null,
  ): Figure => ({
    ...{ id: `scale.${id}.${documents}`, title: `${count(documents)} BC: ${title}`, unit },
    ours: { name: 'Passerelle', values: [Math.max(...all.map(of))] },
    beside: limit === null ? null : { name: 'limit', values: [limit] },
    target: limit === null ? null : WITHIN,
  });
  return [
    figure('rss', 'memory of the largest worker', 'MB', ({ rss }) => rss, LIMITS.rss),
    figure('redis', 'memory of Redis', 'MB', ({ redis }) => redis, LIMITS.redis),
    figure('database', 'size of the database', 'MB', ({ database }) => database, null),
    figure('idle', 'calls when nothing changed', 'calls', (one) => one.incremental.calls, MOST_CALLS),
  ];
}

function distinct(numbers: readonly number[]): number[] {
  return [...new Set(numbers)].sort((a, b) => a - b);
}

function secondsPerThousand({ seconds, documents }: Measured): number {
  return (seconds * 1000) / documents;
}

function series(name: string, measured: readonly Measured[], of: (one: Measured) => number): Series {
  return { name, values: measured.map(of) };
}

/** Call it before a measurement, which takes long. @throws NoPlaceForFiguresError */
export async function checkPage(file: string): Promise<void> {
  await readPage(file, 'scale', '');
}

/** Writes the table into its place in a page. @throws NoPlaceForFiguresError */
export async function writePage(file: string, measured: readonly Measured[]): Promise<void> {
  await writeFile(file, await readPage(file, 'scale', `\n\n${scaleTable(measured)}\n\n`));
}

const HEADINGS = [
  ...['BC', 'lines', 'workers', 'seconds', 'BC/s', 'no-op BC/s', 'ratio', 's per 1,000'],
  ...['worker, MB', 'Redis, MB', 'database, MB', 'nothing to do, s', 'calls'],
];

/** A Markdown table: a row for each size and number of workers, with medians of the rounds. */
function scaleTable(measured: readonly Measured[]): string {
  const groups = new Map<string, Measured[]>();
  for (const one of measured) {
    const key = `${one.documents} ${one.workers}`;
    groups.set(key, [...(groups.get(key) ?? []), one]);
  }
  return [HEADINGS, HEADINGS.map(() => '--:'), ...[...groups.values()].map(row)].map(markdownRow).join('\n');
}

function row(group: readonly Measured[]): string[] {
  const of = (value: (one: Measured) => number) => median(group.map(value));
  const documents = of((one) => one.documents);
  const perSecond = of((one) => one.documents / one.seconds);
  const noOps = group.map(({ noOp }) => noOp).filter((value) => value !== null);
  const noOp = noOps.length === 0 ? null : median(noOps);
  return [
    ...[count(documents), count(of(({ lines }) => lines)), String(of(({ workers }) => workers))],
    ...[of(({ seconds }) => seconds), perSecond].map(numberText),
    ...(noOp === null ? ['', ''] : [noOp, perSecond / noOp].map(numberText)),
    numberText(of(({ seconds }) => seconds) / (documents / 1000)),
    ...[of(({ rss }) => rss), of(({ redis }) => redis), of(({ database }) => database)].map(numberText),
    numberText(of(({ incremental }) => incremental.seconds)),
    String(of(({ incremental }) => incremental.calls)),
  ];
}
