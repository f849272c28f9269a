import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { NoPlaceForFiguresError } from '../errors.ts';
import { chart } from './chart.ts';
import type { Section } from './figures.ts';
import { isMet, median, ratioOf } from './figures.ts';
import { conditions, markdownSummary, markdownTable } from './tables.ts';

const README = 'README.md';
const FOLDER = 'docs/bench';

/** Call it before a measurement, which takes minutes. @throws NoPlaceForFiguresError */
export async function checkReadme(root: string): Promise<void> {
  await readPage(join(root, README), 'bench', '');
}

/**
 * Writes sections into `docs/bench`, where they replace older ones of the same name and upstream. Writes the headline
 * figures into the README.
 *
 * @returns the files written.
 * @throws NoPlaceForFiguresError
 */
export async function publish(root: string, fresh: readonly Section[]): Promise<string[]> {
  const sections = merged(await readResults(root), fresh);
  const readme = await readPage(join(root, README), 'bench', `\n${summary(sections)}\n`);
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

/** Matched with `on id`: the newest Odoo by its fastest and slowest protocol, the largest mirror, and one of each kind. */
const HEADLINES = [
  /^Odoo 19\S* live\.(json2|xmlrpc)\./,
  /^Odoo 19\S* incremental\./,
  /^sandbox incremental\.freshness$/,
  /^sandbox gateway\./,
  /^sandbox read\.list$/,
  /^sandbox read\.id\.page\.10000$/,
  /^sandbox scale\.(rate|growth|rss|redis)\.1000000$/,
];

/** The part of the README: the headline figures that have a target, and how many of all figures meet theirs. */
function summary(sections: readonly Section[]): string {
  const withTarget = sections.map((section) => ({
    ...section,
    figures: section.figures.filter(({ target }) => target !== null),
  }));
  const shown = withTarget
    .map((section) => ({
      ...section,
      figures: section.figures.filter(({ id }) => HEADLINES.some((one) => one.test(`${section.on} ${id}`))),
    }))
    .filter(({ figures }) => figures.length > 0);
  const all = withTarget.flatMap(({ figures }) => figures);
  const met = all.filter((figure) => isMet(figure) === true).length;
  const links = `${met} of ${all.length} figures meet their target. All of them, with charts: [${FOLDER}/figures.md](${FOLDER}/figures.md).`;
  return [...(shown.length === 0 ? [] : [markdownSummary(shown)]), links].join('\n\n');
}

function allFigures(sections: readonly Section[]): string {
  const parts = sections.flatMap((section) => [
    `## ${section.name}, ${section.on}`,
    `${conditions(section)}.`,
    markdownTable(section.figures),
    `![${section.name}, ${section.on}](${chartName(section)})`,
  ]);
  const intro =
    'Written by `npm run bench` and `npm run bench:live`, each with `--write`; values in `results.json`.';
  return `${['# Figures', intro, ...parts].join('\n\n')}\n`;
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
