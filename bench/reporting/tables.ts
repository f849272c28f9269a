import type { Figure, Section } from './figures.ts';
import { isMet, ratioOf, ratioText, seriesText, targetText } from './figures.ts';

const HEADINGS = ['', 'Passerelle', 'beside', 'ratio', 'target', 'met'] as const;
/** The other columns are aligned right. */
const LEFT = [0, 2];

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

/** The conditions of a measurement: its upstream, size, number of rounds, date, machine and servers. */
export function conditions({ on, size, rounds, date, machine, servers }: Section): string {
  const versions = Object.entries(servers).map(([name, version]) => `${name} ${version}`);
  const often = rounds === 1 ? 'measured once' : `medians of ${rounds} rounds (least–most)`;
  const list = (...parts: string[]) => parts.filter((part) => part !== '').join('; ');
  return `${list(on, size, often)}. ${list(date.slice(0, 10), machine, ...versions)}`;
}

/** Pads the cells of every row to the width of their column. */
export function alignColumns(rows: readonly (readonly string[])[], left: readonly number[]): string[][] {
  const width = (at: number) => Math.max(...rows.map((row) => row[at]?.length ?? 0));
  return rows.map((row) =>
    row.map((cell, at) => (left.includes(at) ? cell.padEnd(width(at)) : cell.padStart(width(at)))),
  );
}

/** A table for the terminal. */
export function textTable(section: Section): string {
  const rows = alignColumns([HEADINGS, ...section.figures.map(cells)], LEFT);
  const [headings = '', ...body] = rows.map((row) => row.join('  ').trimEnd());
  const rule = rows[0]?.map((cell) => '-'.repeat(cell.length)).join('  ') ?? '';
  return [`\n${section.name}: ${conditions(section)}\n`, headings, rule, ...body, ''].join('\n');
}

/** A Markdown table of figures, without their conditions. */
export function markdownTable(figures: readonly Figure[]): string {
  return [markdownRow(HEADINGS), RULE, ...figures.map((figure) => markdownRow(cells(figure)))].join('\n');
}

/** One Markdown table of several sections. Notes below it give the conditions of each. */
export function markdownSummary(sections: readonly Section[]): string {
  const rows = sections.flatMap((section, at) =>
    section.figures.map((figure) => markdownRow([...cells(figure), `${section.on} (${at + 1})`])),
  );
  const notes = sections.map((section, at) => `(${at + 1}) ${escaped(conditions(section))}`);
  return [
    markdownRow([...HEADINGS, 'on']),
    `${RULE} --- |`,
    ...rows,
    '',
    `<sub>\n${notes.join('.<br>\n')}.\n</sub>`,
  ].join('\n');
}

const RULE = '| --- | ---: | --- | ---: | --- | --- |';

export function markdownRow(row: readonly string[]): string {
  return `| ${row.map(escaped).join(' | ')} |`;
}

/** Names come from servers and versions too. None of them may end a cell or begin an element. */
function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('|', '\\|');
}
