import type { Figure } from './figure.ts';
import { isMet, ratioOf } from './figure.ts';
import { ratioText, seriesText, targetText } from './format.ts';
import type { Section } from './section.ts';

const HEADINGS = ['', 'Passerelle', 'beside', 'ratio', 'target', 'met'] as const;

/** What one figure is in a table, cell by cell. */
function cells(figure: Figure): string[] {
  const { title, unit, ours, beside } = figure;
  const ratio = ratioOf(figure);
  const met = isMet(figure);
  return [
    title,
    seriesText(ours, unit),
    beside === null ? '' : `${beside.name}: ${seriesText(beside, unit)}`,
    ratio === null ? '' : ratioText(ratio),
    targetText(figure),
    met === null ? '' : met ? 'yes' : 'NO',
  ];
}

/** The machine, the servers and how often: what a figure means nothing without. */
export function circumstances({ on, size, rounds, date, machine, servers }: Section): string {
  const versions = Object.entries(servers).map(([name, version]) => `${name} ${version}`);
  const often = rounds === 1 ? 'measured once' : `medians of ${rounds} rounds (least–most)`;
  return [on, size, often, date.slice(0, 10), machine, ...versions].filter((part) => part !== '').join('; ');
}

/** A table for the terminal. */
export function textTable(section: Section): string {
  const rows = [[...HEADINGS], ...section.figures.map(cells)];
  const widths = HEADINGS.map((_, at) => Math.max(...rows.map((row) => row[at]?.length ?? 0)));
  const line = (row: readonly string[]) =>
    `${row.map((cell, at) => (at === 0 || at === 2 ? cell.padEnd(widths[at] ?? 0) : cell.padStart(widths[at] ?? 0))).join('  ')}`.trimEnd();
  const rule = widths.map((width) => '-'.repeat(width)).join('  ');
  const [headings = [], ...body] = rows;
  return [`\n${section.name}: ${circumstances(section)}\n`, line(headings), rule, ...body.map(line), ''].join(
    '\n',
  );
}

/** A table for a page, without its circumstances. */
export function markdownTable(figures: readonly Figure[]): string {
  return [markdownRow(HEADINGS), RULE, ...figures.map((figure) => markdownRow(cells(figure)))].join('\n');
}

/** One table of several sections; the circumstances of each are a note below. */
export function markdownSummary(sections: readonly Section[]): string {
  const rows = sections.flatMap((section, at) =>
    section.figures.map((figure) => markdownRow([...cells(figure), `${section.on} (${at + 1})`])),
  );
  const notes = sections.map((section, at) => `(${at + 1}) ${escaped(circumstances(section))}`);
  return [
    markdownRow([...HEADINGS, 'on']),
    `${RULE} --- |`,
    ...rows,
    '',
    `<sub>${notes.join('<br>')}</sub>`,
  ].join('\n');
}

const RULE = '| --- | ---: | --- | ---: | --- | --- |';

function markdownRow(row: readonly string[]): string {
  return `| ${row.map(escaped).join(' | ')} |`;
}

/** Names come from servers and versions too: none may end a cell or begin an element. */
function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('|', '\\|');
}
