import type { Figure, Section, Series } from './figures.ts';
import { median, ratioOf, ratioText, seriesText, targetText, valueText } from './figures.ts';
import { conditions } from './tables.ts';

const WIDTH = 860;
const MARGIN = 20;
/** Where the bars begin, and the length of the longest. */
const BARS = { from: 250, length: 400 } as const;
const HEAD = 62;
const TITLE = 26;
const ROW = 26;
const GAP = 16;

const STYLE = `
  text { font: 13px system-ui, sans-serif; fill: #1f2328; }
  .head { font-size: 16px; font-weight: 600; }
  .title { font-weight: 600; }
  .muted { fill: #59636e; }
  .ground { fill: #ffffff; }
  .ours { fill: #0969da; }
  .other { fill: #8c959f; }
  .whisker { stroke: #1f2328; stroke-width: 1.5; fill: none; }
  .halo { stroke: #ffffff; stroke-width: 5; }
  .target { stroke: #bc4c00; stroke-width: 2; stroke-dasharray: 4 3; }
  text.mark { fill: #bc4c00; font-size: 11px; }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3; }
    .muted { fill: #9198a1; }
    .ground { fill: #0d1117; }
    .ours { fill: #4493f8; }
    .other { fill: #656c76; }
    .whisker { stroke: #e6edf3; }
    .halo { stroke: #0d1117; }
    .target { stroke: #f0883e; }
    text.mark { fill: #f0883e; }
  }`;

/**
 * The figures of a section as an SVG with horizontal bars. Bars are medians, whiskers the range, marks the targets.
 * Each figure has its own scale. A screen reader reads the title and the description.
 */
export function chart(section: Section): string {
  const heights = section.figures.map(heightOf);
  const height = HEAD + heights.reduce((sum, one) => sum + one, 0) + MARGIN;
  const tops = heights.map((_, at) => HEAD + heights.slice(0, at).reduce((sum, one) => sum + one, 0));
  const heading = `${section.name}, ${section.on}`;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img" aria-labelledby="title description">`,
    `<title id="title">${escaped(`Benchmark: ${heading}`)}</title>`,
    `<desc id="description">${escaped(section.figures.map(sentence).join(' '))}</desc>`,
    `<style>${STYLE}\n</style>`,
    `<rect class="ground" width="${WIDTH}" height="${height}" rx="6"/>`,
    text(MARGIN, 28, heading, 'head'),
    text(MARGIN, 48, conditions({ ...section, machine: '', servers: {} }), 'muted'),
    ...section.figures.map((figure, at) => block(figure, tops[at] ?? HEAD)),
    '</svg>',
    '',
  ].join('\n');
}

function heightOf({ beside }: Figure): number {
  return TITLE + ROW * (beside === null ? 1 : 2) + GAP;
}

function block(figure: Figure, top: number): string {
  const { title, unit, ours, beside } = figure;
  const mark = targetValue(figure);
  const most = Math.max(...ours.values, ...(beside?.values ?? []), mark ?? 0);
  const scale = (value: number) => BARS.from + (most > 0 ? (value / most) * BARS.length : 0);
  const bar = (series: Series, row: number, kind: 'ours' | 'other') => {
    const y = top + TITLE + row * ROW;
    const [low, middle, high] = [
      Math.min(...series.values),
      median(series.values),
      Math.max(...series.values),
    ];
    return [
      text(MARGIN, y + 14, series.name, ''),
      `<rect class="${kind}" x="${BARS.from}" y="${y}" width="${round(scale(middle) - BARS.from)}" height="18" rx="2"/>`,
      `<path class="whisker" d="M${round(scale(low))} ${y + 5}v8m0 -4H${round(scale(high))}m0 -4v8"/>`,
      text(BARS.from + BARS.length + 12, y + 14, valueText(middle, unit), ''),
    ];
  };
  const bottom = top + TITLE + ROW * (beside === null ? 1 : 2) - 4;
  return [
    '<g>',
    text(MARGIN, top + 14, titled(figure, title), 'title'),
    ...bar(ours, 0, 'ours'),
    ...(beside === null ? [] : bar(beside, 1, 'other')),
    ...(mark === null ? [] : markLine(figure, round(scale(mark)), top + TITLE - 4, bottom)),
    '</g>',
  ].join('\n');
}

/** The mark of the target. A halo separates it from the bars that it crosses. */
function markLine(figure: Figure, x: number, top: number, bottom: number): string[] {
  const line = `d="M${x} ${top}V${bottom}"`;
  return [
    `<path class="halo" ${line}/>`,
    `<path class="target" ${line}/>`,
    text(x, bottom + 11, targetText(figure), 'mark', 'middle'),
  ];
}

function titled(figure: Figure, title: string): string {
  const ratio = ratioOf(figure);
  return ratio === null ? title : `${title}: ${ratioText(ratio)}`;
}

/** The value of ours that would just meet the target. */
function targetValue({ beside, target }: Figure): number | null {
  return beside === null || target === null ? null : median(beside.values) * target.ratio;
}

function sentence(figure: Figure): string {
  const { title, unit, ours, beside, target } = figure;
  const baseline = beside === null ? '' : `, ${beside.name} ${seriesText(beside, unit)}`;
  const limit = target === null ? '' : `; target ${targetText(figure)}`;
  return `${titled(figure, title)}. ${ours.name} ${seriesText(ours, unit)}${baseline}${limit}.`;
}

function text(x: number, y: number, content: string, kind: string, anchor = 'start'): string {
  const look = kind === '' ? '' : ` class="${kind}"`;
  const at = anchor === 'start' ? '' : ` text-anchor="${anchor}"`;
  return `<text x="${x}" y="${y}"${look}${at}>${escaped(content)}</text>`;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

function escaped(content: string): string {
  return content
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}
