import { readFile, writeFile } from 'node:fs/promises';
import { count } from '../../dev/demo/context.ts';
import { NoPlaceForFiguresError } from '../frame/errors.ts';
import { median } from '../frame/figure.ts';
import { numberText } from '../frame/format.ts';
import type { Measured } from './study.ts';

const BEGIN = '<!-- scale:begin -->';
const END = '<!-- scale:end -->';

const HEADINGS = [
  ...['BC', 'lines', 'workers', 'seconds', 'BC/s', 'no-op BC/s', 'ratio', 's per 1,000'],
  ...['worker, MB', 'Redis, MB', 'database, MB', 'nothing to do, s', 'calls'],
];

/** The study as a Markdown table, medians where there are several rounds. */
export function scaleTable(measured: readonly Measured[]): string {
  const groups = new Map<string, Measured[]>();
  for (const one of measured) {
    const key = `${one.documents} ${one.workers}`;
    groups.set(key, [...(groups.get(key) ?? []), one]);
  }
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [
    line(HEADINGS),
    line(HEADINGS.map(() => '--:')),
    ...[...groups.values()].map((group) => line(row(group))),
  ].join('\n');
}

function row(group: readonly Measured[]): string[] {
  const of = (value: (one: Measured) => number) => median(group.map(value));
  const documents = of((one) => one.documents);
  const rate = of((one) => one.documents / one.seconds);
  const noOps = group.map(({ noOp }) => noOp).filter((value) => value !== null);
  const noOp = noOps.length === 0 ? null : median(noOps);
  return [
    ...[count(documents), count(of(({ lines }) => lines)), String(of(({ workers }) => workers))],
    ...[of(({ seconds }) => seconds), rate].map(numberText),
    ...(noOp === null ? ['', ''] : [noOp, rate / noOp].map(numberText)),
    numberText(of(({ seconds }) => seconds) / (documents / 1000)),
    ...[of(({ rss }) => rss), of(({ redis }) => redis), of(({ database }) => database)].map(numberText),
    numberText(of(({ incremental }) => incremental.seconds)),
    String(of(({ incremental }) => incremental.calls)),
  ];
}

/** @throws NoPlaceForFiguresError: to be asked before anything is measured, as that takes long. */
export async function checkPage(file: string): Promise<void> {
  placed(await readFile(file, 'utf8'), file, '');
}

/** Puts the table into its place in a page. @throws NoPlaceForFiguresError */
export async function writePage(file: string, table: string): Promise<void> {
  await writeFile(file, placed(await readFile(file, 'utf8'), file, table));
}

function placed(page: string, file: string, table: string): string {
  const [begin, end] = [page.indexOf(BEGIN), page.indexOf(END)];
  if (begin === -1 || end < begin) throw new NoPlaceForFiguresError(file, BEGIN, END);
  return `${page.slice(0, begin + BEGIN.length)}\n\n${table}\n\n${page.slice(end)}`;
}
