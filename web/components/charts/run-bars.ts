import type { Run, RunStatus } from '../../api/answers.ts';

/** The parts of a bar of changes, from the bottom up. */
export const PARTS = ['created', 'updated', 'archived', 'failed'] as const;
type Part = (typeof PARTS)[number];

interface Segment {
  readonly part: Part;
  /** From the bottom of the bar, as a share of the panel's height. */
  readonly from: number;
  readonly size: number;
}

export interface RunBar {
  readonly run: Run;
  readonly status: RunStatus;
  readonly segments: readonly Segment[];
  /** The duration's bar, as a share of the panel's height. */
  readonly duration: number;
}

/** A scale on which 3 and 10,000 are both seen: each factor of ten takes the same height. */
export interface Scale {
  readonly at: (value: number) => number;
  readonly ticks: readonly number[];
}

const MOST_TICKS = 4;

/** From 0 (`least` and below) to 1 (`most`). */
export function scaleOf(most: number, least: number): Scale {
  const decades = Math.max(1, Math.ceil(Math.log10(Math.max(most, least * 10) / least)));
  const at = (value: number) =>
    Math.log10(1 + (9 * value) / (least * 10)) / Math.log10(1 + 0.9 * 10 ** decades);
  const every = Math.ceil(decades / MOST_TICKS);
  const ticks = Array.from({ length: decades + 1 }, (_, power) => least * 10 ** power).filter(
    (_, power) => (decades - power) % every === 0 && power > 0,
  );
  return { at: (value) => Math.min(1, at(value)), ticks };
}

export const changesOf = (run: Run): number => PARTS.reduce((sum, part) => sum + run[part], 0);

/** Runs as bars. A bar's height is its total on the scale; its parts share it as they share the total. */
export function barsOf(runs: readonly Run[], changes: Scale, durations: Scale): RunBar[] {
  return runs.map((run) => ({
    run,
    status: run.status,
    segments: segmentsOf(run, changes),
    duration: run.durationMs === null ? 0 : durations.at(run.durationMs),
  }));
}

function segmentsOf(run: Run, scale: Scale): Segment[] {
  const total = changesOf(run);
  const height = scale.at(total);
  let from = 0;
  return PARTS.filter((part) => run[part] > 0).map((part) => {
    const size = (run[part] / total) * height;
    const segment = { part, from, size };
    from += size;
    return segment;
  });
}
