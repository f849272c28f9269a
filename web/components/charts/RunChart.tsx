import { useId, useRef } from 'preact/hooks';
import type { Run } from '../../api/answers.ts';
import { duration, number } from '../../i18n/format.ts';
import { texts } from '../../i18n/texts.ts';
import { ChartAxis } from './ChartAxis.tsx';
import type { RunBar } from './run-bars.ts';
import { barsOf, changesOf, PARTS, scaleOf } from './run-bars.ts';
import { useWidth } from './use-width.ts';

const CHANGES = { top: 22, height: 110 } as const;
const DURATION = { top: 164, height: 64 } as const;
const HEIGHT = 234;
const LEFT = 64;
const WIDEST_BAR = 22;
const SHORTEST_MS = 10;

/** Runs as bars, oldest on the left: what each changed, and how long it took. Both scales grow by factors of ten. */
export function RunChart({ runs }: { readonly runs: readonly Run[] }) {
  const { chart } = texts.value.runs;
  const id = useId();
  const box = useRef<HTMLDivElement>(null);
  const width = useWidth(box, 640);
  const mostChanged = Math.max(0, ...runs.map(changesOf));
  const longestMs = Math.max(0, ...runs.map((run) => run.durationMs ?? 0));
  const changes = scaleOf(mostChanged, 1);
  const durations = scaleOf(longestMs, SHORTEST_MS);
  const step = Math.min(WIDEST_BAR + 6, (width - LEFT) / Math.max(runs.length, 1));
  const bars = barsOf(runs, changes, durations);
  const description = chart.description(chart.shown(runs.length), number(mostChanged), duration(longestMs));
  return (
    <div class="chart" ref={box}>
      <svg width={width} height={HEIGHT} role="img" aria-labelledby={`${id}-title ${id}-text`}>
        <title id={`${id}-title`}>{chart.title}</title>
        <desc id={`${id}-text`}>{description}</desc>
        <ChartAxis
          title={chart.changes}
          scale={changes}
          {...CHANGES}
          {...{ left: LEFT, width }}
          word={number}
        />
        <ChartAxis
          title={chart.duration}
          scale={durations}
          {...DURATION}
          {...{ left: LEFT, width }}
          word={duration}
        />
        {bars.map((bar, at) => (
          <Bar key={bar.run.id} of={bar} left={LEFT + at * step + 1} width={Math.max(1, step - 3)} />
        ))}
      </svg>
      <Legend />
    </div>
  );
}

interface BarProps {
  readonly of: RunBar;
  readonly left: number;
  readonly width: number;
}

function Bar({ of: { run, status, segments, duration: long }, left, width }: BarProps) {
  const { runs } = texts.value;
  const foot = CHANGES.top + CHANGES.height;
  const longHeight = Math.max(long * DURATION.height, 2);
  const words = [runs.one(run.id), runs.modes[run.mode], runs.statuses[status]];
  if (run.durationMs !== null) words.push(duration(run.durationMs));
  for (const part of PARTS) if (run[part] > 0) words.push(runs.counts[part](run[part]));
  return (
    <g class="bar">
      <title>{words.join(' · ')}</title>
      <rect class="hit" x={left - 1} y={CHANGES.top} width={width + 3} height={HEIGHT - CHANGES.top} />
      {segments.map(({ part, from, size }) => (
        <rect
          key={part}
          class={part}
          x={left}
          width={width}
          y={foot - (from + size) * CHANGES.height}
          height={Math.max(size * CHANGES.height, 2)}
        />
      ))}
      <rect
        class={`long ${status}`}
        x={left}
        width={width}
        y={DURATION.top + DURATION.height - longHeight}
        height={longHeight}
      />
    </g>
  );
}

function Legend() {
  const { columns, chart, statuses } = texts.value.runs;
  return (
    <ul class="legend" aria-label={chart.legend}>
      {PARTS.map((part) => (
        <li key={part} class={part}>
          {columns[part]}
        </li>
      ))}
      <li class="long">{chart.duration}</li>
      <li class="long partial">{chart.durationOf(statuses.partial)}</li>
      <li class="long failed">{chart.durationOf(statuses.failed)}</li>
    </ul>
  );
}
