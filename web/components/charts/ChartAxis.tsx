import type { Scale } from './run-bars.ts';

interface ChartAxisProps {
  readonly title: string;
  readonly scale: Scale;
  readonly top: number;
  readonly height: number;
  readonly left: number;
  readonly width: number;
  readonly word: (value: number) => string;
}

/** The lines and numbers behind a panel of bars, and what the panel shows. */
export function ChartAxis({ title, scale, top, height, left, width, word }: ChartAxisProps) {
  const foot = top + height;
  return (
    <g class="axis">
      <text x={0} y={top - 9} class="panel">
        {title}
      </text>
      <line x1={left} x2={width} y1={foot} y2={foot} class="foot" />
      {scale.ticks.map((tick) => {
        const y = Math.round(foot - scale.at(tick) * height);
        return (
          <g key={tick}>
            <line x1={left} x2={width} y1={y} y2={y} />
            <text x={left - 8} y={y + 4} class="tick">
              {word(tick)}
            </text>
          </g>
        );
      })}
    </g>
  );
}
