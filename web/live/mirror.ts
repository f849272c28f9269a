import { computed, signal } from '@preact/signals';
import type { Mirror, Overview } from '../api/answers.ts';
import { now } from './clock.ts';
import { board } from './mirrors.ts';
import { noteProgress } from './pace.ts';

export type Connection = 'connecting' | 'live' | 'polling' | 'lost';

export const connection = signal<Connection>('connecting');

/** How often the service was found again after it was lost: what failed meanwhile has to be read again. */
export const returns = signal(0);

export function noteConnection(found: Connection): void {
  if (connection.value === 'lost' && found !== 'lost') returns.value += 1;
  connection.value = found;
}

/** The newest state that came, and when, by this browser's clock. */
export const latest = signal<{ readonly state: Overview; readonly at: number } | null>(null);

export function accept(state: Overview): void {
  const at = Date.now();
  noteProgress(state.currentRun, at);
  latest.value = { state, at };
}

/** The state of another mirror is not shown for that of the next one. */
export function forget(): void {
  noteProgress(null, Date.now());
  latest.value = null;
}

/** How old the mirror is, in milliseconds, counting on between two states; null before the first sync. */
export const ageMs = computed((): number | null => {
  const known = latest.value;
  if (known === null || known.state.ageSeconds === null) return null;
  return known.state.ageSeconds * 1000 + Math.max(0, now.value - known.at);
});

/** Changes whenever lists that hang on runs have to be read again: a run ended, failed BCs came or went. */
export const epoch = computed((): string => {
  const state = latest.value?.state;
  if (state === undefined) return [...(board.value?.items ?? []).map(marksOf), returns.value].join();
  const ends = state.lastRuns.map(({ id, status, finishedAt }) => `${id}${status}${finishedAt}`);
  return [...ends, state.openFailures, state.openIncidents, returns.value].join();
});

const marksOf = ({ lastRun, openFailures, openIncidents }: Mirror): string =>
  [lastRun?.id, openFailures, openIncidents].join();
