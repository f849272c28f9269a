import { cpus, totalmem } from 'node:os';

/** The unit of a figure. Rates are per second. */
type Unit = 's' | 'ms' | '/s' | 'MB' | 'calls';

/** The measurements of one subject, one value for each round. */
export interface Series {
  readonly name: string;
  readonly values: readonly number[];
}

/** The permitted ratio of the two medians. */
export interface Target {
  readonly is: 'at most' | 'at least';
  readonly ratio: number;
}

/** Passerelle beside a baseline. Both are measured in the same run, because ratios vary less than times. */
export interface Figure {
  /** Stable, for programs: `sync.full.json2`. */
  readonly id: string;
  /** One line for people. */
  readonly title: string;
  readonly unit: Unit;
  readonly ours: Series;
  /** The baseline; null if the figure is only a number. */
  readonly beside: Series | null;
  /** Null if the figure is for information. */
  readonly target: Target | null;
}

/** The figures of one suite and their conditions. */
export interface Section {
  /** `sync`, `api`. A later measurement with the same `name` and `on` replaces this one. */
  readonly name: string;
  /** The upstream of the measurement: `sandbox`, `Odoo 19.0`. */
  readonly on: string;
  /** ISO 8601, UTC. */
  readonly date: string;
  readonly machine: string;
  /** Versions by name. */
  readonly servers: Readonly<Record<string, string>>;
  readonly rounds: number;
  /** The amount of data: `10,000 BC`. Empty if the suite has no size. */
  readonly size: string;
  readonly figures: readonly Figure[];
}

/** Completes a section with the date and this machine. */
export function section(parts: Omit<Section, 'date' | 'machine'>): Section {
  return { ...parts, date: new Date().toISOString(), machine: machine() };
}

/** The machine in one line. */
export function machine(): string {
  const [cpu] = cpus();
  const memory = Math.round(totalmem() / 2 ** 30);
  return `${cpus().length} × ${cpu?.model ?? 'CPU'}, ${memory} GB, Node ${process.versions.node}`;
}

/** The middle value. For an even number of values, the mean of the two in the middle. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
}

/** Our median divided by the baseline's; null without a baseline. */
export function ratioOf({ ours, beside }: Figure): number | null {
  return beside === null ? null : median(ours.values) / median(beside.values);
}

/** Whether the target is met; null if there is no target. */
export function isMet(figure: Figure): boolean | null {
  const { target } = figure;
  const ratio = ratioOf(figure);
  if (target === null || ratio === null) return null;
  return target.is === 'at most' ? ratio <= target.ratio : ratio >= target.ratio;
}

/** One plain sentence for each figure that misses its target or was not measured. */
export function missedTargets(sections: readonly Section[]): string[] {
  return sections.flatMap(({ on, figures }) =>
    figures.filter((figure) => isMet(figure) === false).map((figure) => `${on}: ${missed(figure)}`),
  );
}

function missed(figure: Figure): string {
  const { title, ours, beside } = figure;
  const ratio = ratioOf(figure);
  if (ratio === null || Number.isNaN(ratio)) return `${title}: it was not measured.`;
  // One digit more than in the tables, which may round a miss to the target.
  const exact = ratio.toLocaleString('en', { maximumFractionDigits: 3 });
  return `${title}: ${ours.name} is at ${exact} × of ${beside?.name}, the target is ${targetText(figure)}.`;
}

/** Something to measure. */
export interface Subject {
  readonly name: string;
  /** Does the work once and returns the measurement. */
  readonly measure: () => Promise<number>;
}

/** Measures each subject once a round, in turns. @returns one series for each, in their order. */
export async function seriesInTurns<Subjects extends readonly Subject[]>(
  rounds: number,
  subjects: Subjects,
): Promise<{ [At in keyof Subjects]: Series }> {
  const values = await takeTurns(
    rounds,
    subjects.map(({ measure }) => measure),
  );
  const series = subjects.map(({ name }, at) => ({ name, values: values[at] ?? [] }));
  return series as { [At in keyof Subjects]: Series };
}

/**
 * Calls each function once a round, in turns, so that other load on the machine affects all of them. Every second round
 * runs backwards.
 *
 * @returns the results of each, round by round.
 */
export async function takeTurns<Results extends readonly unknown[]>(
  rounds: number,
  measures: { readonly [At in keyof Results]: () => Promise<Results[At]> },
): Promise<{ [At in keyof Results]: Results[At][] }> {
  const turns = measures.map((measure) => ({ measure, results: [] as unknown[] }));
  for (let round = 0; round < rounds; round += 1) {
    for (const { results, measure } of round % 2 === 0 ? turns : turns.toReversed()) {
      results.push(await measure());
    }
  }
  // `map` keeps the order of `measures` but not the tuple type.
  return turns.map(({ results }) => results) as { [At in keyof Results]: Results[At][] };
}

/** Three significant digits: `1,234`, `12.3`, `1.23`. */
export function numberText(value: number): string {
  const size = Math.abs(value);
  const digits = Number.isInteger(value) || size >= 100 ? 0 : size >= 10 ? 1 : size >= 0.1 ? 2 : 3;
  return value.toLocaleString('en', { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

export function valueText(value: number, unit: Unit): string {
  return unit === '/s' ? `${numberText(value)}/s` : `${numberText(value)} ${unit}`;
}

/** The median and the range: `14.2 s (13.9–15.1)`. */
export function seriesText({ values }: Series, unit: Unit): string {
  const middle = valueText(median(values), unit);
  if (values.length < 2) return middle;
  return `${middle} (${numberText(Math.min(...values))}–${numberText(Math.max(...values))})`;
}

export function ratioText(ratio: number): string {
  return `${numberText(ratio)} ×`;
}

/** `at most 1.15 ×`; empty if there is no target. */
export function targetText({ target }: Figure): string {
  return target === null ? '' : `${target.is} ${ratioText(target.ratio)}`;
}
