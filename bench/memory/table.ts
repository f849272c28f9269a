import { count } from '../../dev/demo/context.ts';
import type { MemoryResult } from './bench.ts';
import type { Phase } from './figures.ts';

const HEADINGS = [
  ...['', 'BC', 'seconds', 'BC/s', 'calls to Odoo', 'RSS at start', 'median', 'max', 'slope', 'live heap'],
  ...['Redis max', 'database'],
];

/** The result as a Markdown table. */
export function table(result: MemoryResult): string {
  const { documents, lines, workers, changes, phases, redisPeak } = result;
  const rows = [HEADINGS, ...phases.map(row)];
  const widths = HEADINGS.map((_, at) => Math.max(...rows.map((cells) => cells[at]?.length ?? 0)));
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell, at) => (at === 0 ? cell.padEnd(widths[at] ?? 0) : cell.padStart(widths[at] ?? 0))).join(' | ')} |\n`;
  const rule = line(widths.map((width, at) => (at === 0 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`)));
  const [headings = [], ...cells] = rows;
  return [
    `\n${count(documents)} BC, ${count(lines)} lines, ${workers} worker${workers === 1 ? '' : 's'}; ${result.machine}\n\n`,
    ...[line(headings), rule, ...cells.map(line)],
    '\nSizes in MB, slope in MB per minute over the second half of a phase. verify is a process of its own.\n',
    `Changes before the second sweep: ${count(changes.rewritten)} BC rewritten by a late transaction, `,
    `${count(changes.deleted)} BC and ${count(changes.linesDeleted)} lines deleted by SQL.\n`,
    `Redis at its peak, by its own account: ${redisPeak} MB\n`,
  ].join('');
}

function row({ phase, documents, seconds, calls, memory, redisMax, database }: Phase): string[] {
  const { start, median, max, slope, live } = memory;
  return [
    ...[
      phase,
      count(documents),
      String(seconds),
      documents === 0 ? '-' : whole(documents / seconds),
      count(calls),
    ],
    ...[start, median, max].map(whole),
    ...[slope === null ? '-' : whole(slope), whole(live), String(redisMax), whole(database)],
  ];
}

const whole = (value: number): string => count(Math.round(value));
