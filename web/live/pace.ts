import { signal } from '@preact/signals';
import type { CurrentRun } from '../api/answers.ts';

const WINDOW_MS = 20_000;
/** The shortest span for a pace: a shorter one jumps. */
const LEAST_MS = 1500;

interface Sample {
  readonly at: number;
  readonly done: number;
}

export interface Pace {
  readonly perSecond: number;
  readonly leftMs: number;
}

/** The pace of the current run in the last seconds; null while it is unknown. */
export const pace = signal<Pace | null>(null);

let runId: number | null = null;
let samples: readonly Sample[] = [];

export const doneOf = ({ planned, progress }: CurrentRun): number => planned - (progress.open ?? 0);

/** Takes note of how far the current run is at a moment. */
export function noteProgress(run: CurrentRun | null, at: number): void {
  if (run === null || run.phase === 'planning' || run.id !== runId) samples = [];
  runId = run?.id ?? null;
  if (run === null || run.phase === 'planning') {
    pace.value = null;
    return;
  }
  samples = [...samples.filter((sample) => at - sample.at < WINDOW_MS), { at, done: doneOf(run) }];
  pace.value = paceOf(samples, run.planned);
}

/** The pace over samples of one run, oldest first. */
export function paceOf(given: readonly Sample[], planned: number): Pace | null {
  const first = given[0];
  const last = given.at(-1);
  if (first === undefined || last === undefined || last.at - first.at < LEAST_MS) return null;
  const perSecond = ((last.done - first.done) * 1000) / (last.at - first.at);
  return perSecond <= 0 ? null : { perSecond, leftMs: ((planned - last.done) / perSecond) * 1000 };
}
