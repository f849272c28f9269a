import type { Figure } from './figure.ts';
import { isMet, ratioOf } from './figure.ts';
import { ratioText, seriesText, targetText } from './format.ts';
import type { Section } from './section.ts';

const HEADINGS = ['', 'Passerelle', 'beside', 'ratio', 'target', 'met'] as const;

/** The cells of a figure in a table. */
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

/** The conditions of a measurement: its subject, number of rounds, date, machine and servers. */
export function circumstances({ on, size, rounds, date, machine, servers }: Section): string {
  const versions = Object.entries(servers).map(([name, version]) => `${name} ${version}`);
  const often = rounds === 1 ? 'measured once' : `medians of ${rounds} rounds (least–most)`;
  const list = (...parts: string[]) => parts.filter((part) => part !== '').join('; ');
  return `${list(on, size, often)}. ${list(date.slice(0, 10), machine, ...versions)}`;
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
    `<sub>\n${notes.join('.<br>\n')}.\n</sub>`,
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
