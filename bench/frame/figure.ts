/** The unit of a figure. Rates are per second. */
export type Unit = 's' | 'ms' | '/s' | 'MB' | 'calls';

/** One contender: its measurements, round by round. */
export interface Series {
  readonly name: string;
  readonly values: readonly number[];
}

/** The permitted ratio of medians; without one the figure is for information. */
export interface Target {
  readonly is: 'at most' | 'at least';
  readonly ratio: number;
}

/** Ours beside a yardstick, measured in turns within one run: machines are noisy, ratios less so. */
export interface Figure {
  /** Stable, for programs: `sync.full.json2`. */
  readonly id: string;
  /** One line for people. */
  readonly title: string;
  readonly unit: Unit;
  readonly ours: Series;
  /** The contender beside it; null if there is no rival, only a number. */
  readonly beside: Series | null;
  readonly target: Target | null;
}

/** The middle value of an odd number of values, else the mean of the two in the middle. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
}

/** Ours by the other's, of the medians; null where there is no other. */
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

/** A contender that can be measured. */
export interface Contender {
  readonly name: string;
  /** Does the work once and returns the measurement. */
  readonly measure: () => Promise<number>;
}

/**
 * Measures each contender once a round, in turns, so that what else the machine does meets all of them. Every second
 * round goes backwards.
 *
 * @returns one series for each, in their order.
 */
export async function inTurns(rounds: number, contenders: readonly Contender[]): Promise<Series[]> {
  const values = await takeTurns(
    rounds,
    contenders.map(({ measure }) => measure),
  );
  return contenders.map(({ name }, at) => ({ name, values: values[at] ?? [] }));
}

/** The same for those that measure more than one thing at once: what each of them gave, round by round. */
export async function takeTurns<Given extends readonly unknown[]>(
  rounds: number,
  measures: { readonly [At in keyof Given]: () => Promise<Given[At]> },
): Promise<{ [At in keyof Given]: Given[At][] }> {
  const turns = measures.map((measure) => ({ measure, given: [] as unknown[] }));
  for (let round = 0; round < rounds; round += 1) {
    for (const { given, measure } of round % 2 === 0 ? turns : turns.toReversed()) {
      given.push(await measure());
    }
  }
  // In the order of `measures`, so of their types; `map` forgets that.
  return turns.map(({ given }) => given) as { [At in keyof Given]: Given[At][] };
}
