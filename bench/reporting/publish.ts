import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { NoPlaceForFiguresError } from '../errors.ts';
import { chart } from './chart.ts';
import type { Figure, Section } from './figures.ts';
import { isMet, median, ratioOf, ratioText } from './figures.ts';
import { conditions, markdownSummary, markdownTable } from './tables.ts';

const README = 'README.md';
const FOLDER = 'docs/bench';

/** Call it before a measurement, which takes minutes. @throws NoPlaceForFiguresError */
export async function checkReadme(root: string): Promise<void> {
  await readPage(join(root, README), 'bench', '');
}

/**
 * Writes sections into `docs/bench`, where they replace older ones of the same name and upstream. Writes one sentence
 * about them into the README.
 *
 * @returns the files written.
 * @throws NoPlaceForFiguresError
 */
export async function publish(root: string, fresh: readonly Section[]): Promise<string[]> {
  const sections = merged(await readResults(root), fresh);
  const readme = await readPage(join(root, README), 'bench', `\n${sentence(sections)}\n`);
  const files = [
    { path: README, content: readme },
    { path: `${FOLDER}/results.json`, content: jsonText({ sections: withResults(sections) }) },
    { path: `${FOLDER}/figures.md`, content: allFigures(sections) },
    ...sections.map((section) => ({ path: `${FOLDER}/${chartName(section)}`, content: chart(section) })),
  ];
  await mkdir(join(root, FOLDER), { recursive: true });
  for (const { path, content } of files) await writeFile(join(root, path), content);
  return files.map(({ path }) => path);
}

async function readResults(root: string): Promise<Section[]> {
  try {
    const text = await readFile(join(root, FOLDER, 'results.json'), 'utf8');
    return (JSON.parse(text) as { sections: Section[] }).sections;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return [];
    throw error;
  }
}

/** The sections as `results.json` holds them, with medians and ratios. */
export function withResults(sections: readonly Section[]) {
  return sections.map((section) => ({
    ...section,
    figures: section.figures.map((figure) => ({
      ...figure,
      medians: {
        ours: median(figure.ours.values),
        beside: figure.beside && median(figure.beside.values),
      },
      ratio: ratioOf(figure),
      met: isMet(figure),
    })),
  }));
}

/** A new section replaces the old one of the same key. */
function merged(old: readonly Section[], fresh: readonly Section[]): Section[] {
  const keyOf = ({ name, on }: Section) => `${on} ${name}`;
  const byKey = new Map([...old, ...fresh].map((section) => [keyOf(section), section]));
  return [...byKey.values()];
}

/** Indented, but a list of numbers is one line, because it may have a thousand of them. */
function jsonText(value: unknown): string {
  const text = JSON.stringify(value, null, 2);
  const lists = /\[[\s\d.,e+-]+\]/g;
  return `${text.replaceAll(lists, (list) => list.replaceAll(/\s+/g, ' ').replaceAll(/\[ | \]/g, (end) => end.trim()))}\n`;
}

/** `Odoo 19.0`, `sync` as `odoo-19.0-sync.svg`. */
function chartName({ on, name }: Section): string {
  return `${`${on} ${name}`.toLowerCase().replaceAll(/[^a-z0-9.]+/g, '-')}.svg`;
}

/** The figures of the first table, matched with `on id`: the newest Odoo by its fastest and slowest protocol, the largest mirror, and one of each kind. */
const HEADLINES = [
  /^Odoo 19\S* live\.(json2|xmlrpc)\./,
  /^Odoo 19\S* incremental\./,
  /^sandbox incremental\.freshness$/,
  /^sandbox gateway\./,
  /^sandbox read\.list$/,
  /^sandbox read\.id\.page\.10000$/,
  /^sandbox scale\.(rate|growth|rss|redis)\.1000000$/,
];

const isHeadline = (section: Section, { id, target }: Figure): boolean =>
  target !== null && HEADLINES.some((one) => one.test(`${section.on} ${id}`));

/** The best-known comparison: a full sync beside a script. */
const COMPARISON = /\.first\.naive$/;

/** The part of the README. */
function sentence(sections: readonly Section[]): string {
  const figures = sections.flatMap((one) => one.figures);
  const withTarget = figures.filter(({ target }) => target !== null);
  const met = withTarget.filter((figure) => isMet(figure) === true).length;
  const compared = sections.find((one) => one.figures.some(({ id }) => COMPARISON.test(id)));
  const figure = compared?.figures.find(({ id }) => COMPARISON.test(id));
  const ratio = figure === undefined ? null : ratioOf(figure);
  const speed =
    compared === undefined || figure === undefined || ratio === null
      ? ''
      : `A first full sync of a real ${compared.on} copies ${Math.round(median(figure.ours.values))} BCs per second, ` +
        `${ratioText(ratio)} the speed of a script that reads one BC after another. `;
  return `${speed}${met} of ${withTarget.length} figures meet their target: [all figures](${FOLDER}/figures.md).`;
}

function allFigures(sections: readonly Section[]): string {
  const headlines = sections
    .map((section) => ({ ...section, figures: section.figures.filter((one) => isHeadline(section, one)) }))
    .filter(({ figures }) => figures.length > 0);
  const parts = sections.flatMap((section) => [
    `## ${section.name}, ${section.on}`,
    `${conditions(section)}.`,
    markdownTable(section.figures),
    `![${section.name}, ${section.on}](${chartName(section)})`,
  ]);
  const intro =
    'These commands measure and write this page; `results.json` has every value:\n\n' +
    '- `npm run bench -- --write` measures on sandboxes,\n' +
    '- `npm run bench:live -- --write` on the Odoo of `ODOO_URL`, `ODOO_DB`, `ODOO_USER`, `ODOO_PASSWORD` and `ODOO_API_KEY`,\n' +
    '- `npm run bench:scale` with up to a million BCs.\n\n' +
    'Targets that are not met are shown too. A first full sync takes a quarter to two fifths longer than fetching alone. ' +
    'The machine has two cores. Odoo keeps one busy; queue, worker and PostgreSQL need a little more than the other.';
  const summary = headlines.length === 0 ? [] : ['## The most important', markdownSummary(headlines)];
  return `${['# Figures', intro, ...summary, ...parts].join('\n\n')}\n`;
}

/**
 * The text of a page, with `content` in place of what its marks enclosed.
 *
 * @param mark Name of the marks: `<!-- bench:begin -->`.
 * @throws NoPlaceForFiguresError
 */
export async function readPage(file: string, mark: 'bench' | 'scale', content: string): Promise<string> {
  const page = await readFile(file, 'utf8');
  const [begin, end] = [`<!-- ${mark}:begin -->`, `<!-- ${mark}:end -->`];
  const [from, to] = [page.indexOf(begin), page.indexOf(end)];
  if (from === -1 || to < from) throw new NoPlaceForFiguresError(file, begin, end);
  return page.slice(0, from + begin.length) + content + page.slice(to);
}
