import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { chart } from './chart.ts';
import { NoPlaceForFiguresError } from './errors.ts';
import { isMet } from './figure.ts';
import type { Section } from './section.ts';
import { merged, withResults } from './section.ts';
import { circumstances, markdownSummary, markdownTable } from './table.ts';

const BEGIN = '<!-- bench:begin -->';
const END = '<!-- bench:end -->';
const README = 'README.md';
const FOLDER = 'docs/bench';

/** @throws NoPlaceForFiguresError: before anything is measured, as that takes minutes. */
export async function checkReadme(root: string): Promise<void> {
  between(await readFile(join(root, README), 'utf8'), '');
}

/**
 * Writes sections into `docs/bench`, among those that were measured before, and the figures with a target into the
 * README.
 *
 * @returns the files written.
 * @throws NoPlaceForFiguresError
 */
export async function publish(root: string, fresh: readonly Section[]): Promise<string[]> {
  const readme = await readFile(join(root, README), 'utf8');
  const sections = merged(await readResults(root), fresh);
  const files = [
    { path: README, content: between(readme, summary(sections)) },
    {
      path: `${FOLDER}/results.json`,
      content: jsonText({ sections: withResults(sections) }),
    },
    { path: `${FOLDER}/figures.md`, content: everything(sections) },
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

/** Indented, but a list of numbers is one line: there may be a thousand of them. */
function jsonText(value: unknown): string {
  const text = JSON.stringify(value, null, 2);
  const lists = /\[[\s\d.,e+-]+\]/g;
  return `${text.replaceAll(lists, (list) => list.replaceAll(/\s+/g, ' ').replaceAll(/\[ | \]/g, (end) => end.trim()))}\n`;
}

/** `Odoo 19.0`, `sync` as `odoo-19.0-sync.svg`. */
function chartName({ on, name }: Section): string {
  return `${`${on} ${name}`.toLowerCase().replaceAll(/[^a-z0-9.]+/g, '-')}.svg`;
}

/** By `on id`: the newest Odoo by its best and its slowest protocol, the largest mirror, and one of each kind besides. */
const HEADLINES = [
  /^Odoo 19\S* live\.(json2|xmlrpc)\./,
  /^Odoo 19\S* incremental\./,
  /^sandbox incremental\.freshness$/,
  /^sandbox gateway\./,
  /^sandbox read\.list$/,
  /^sandbox read\.id\.page\.10000$/,
  /^sandbox scale\.(rate|growth|rss|redis)\.1000000$/,
];

/** The part for the README: headlines with a target, met or missed, and a count of the others. */
function summary(sections: readonly Section[]): string {
  const aimed = sections.map((section) => ({
    ...section,
    figures: section.figures.filter(({ target }) => target !== null),
  }));
  const shown = aimed
    .map((section) => ({
      ...section,
      figures: section.figures.filter(({ id }) => HEADLINES.some((one) => one.test(`${section.on} ${id}`))),
    }))
    .filter(({ figures }) => figures.length > 0);
  const all = aimed.flatMap(({ figures }) => figures);
  const met = all.filter((figure) => isMet(figure) === true).length;
  const links = `${met} of ${all.length} figures meet their target. All of them, with charts: [${FOLDER}/figures.md](${FOLDER}/figures.md).`;
  return [...(shown.length === 0 ? [] : [markdownSummary(shown)]), links].join('\n\n');
}

function everything(sections: readonly Section[]): string {
  const parts = sections.flatMap((section) => [
    `## ${section.name}, ${section.on}`,
    `${circumstances(section)}.`,
    markdownTable(section.figures),
    `![${section.name}, ${section.on}](${chartName(section)})`,
  ]);
  const intro =
    'Written by `npm run bench` and `npm run bench:live`, each with `--write`; values in `results.json`.';
  return `${['# Figures', intro, ...parts].join('\n\n')}\n`;
}

function between(text: string, content: string): string {
  const begin = text.indexOf(BEGIN);
  const end = text.indexOf(END, begin);
  if (begin < 0 || end < 0) throw new NoPlaceForFiguresError(README, BEGIN, END);
  return `${text.slice(0, begin + BEGIN.length)}\n${content}\n${text.slice(end)}`;
}
