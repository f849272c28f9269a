import type { Mirror, Overview, RunStatus } from '../api/answers.ts';

export type MirrorState = 'fresh' | 'syncing' | 'late' | 'failing' | 'empty' | 'unknown';

/** The part of a state that is judged: of GET /sync, or of an item of GET /mirrors. */
type Judged = Pick<Overview, 'lateAfterSeconds' | 'lastSync'> & {
  readonly isSyncing: boolean;
  /** The newest run of the whole mirror: single orders and skipped runs say nothing of it. */
  readonly last: { readonly status: RunStatus } | null;
};

/**
 * The state in one word. A fault has priority over work in progress: a late mirror stays late
 * until a run has ended well.
 *
 * @param ageMs how old the mirror is now
 */
export function mirrorStateOf(state: Overview | null, ageMs: number | null): MirrorState {
  if (state === null) return 'unknown';
  return judge({ ...state, isSyncing: state.currentRun !== null, last: state.lastMirrorRun }, ageMs);
}

function judge({ lateAfterSeconds, lastSync, isSyncing, last }: Judged, ageMs: number | null) {
  if (last?.status === 'failed') return 'failing';
  if (lateAfterSeconds !== null && ageMs !== null && ageMs >= lateAfterSeconds * 1000) return 'late';
  if (isSyncing) return 'syncing';
  return lastSync === null ? 'empty' : 'fresh';
}

/** The states of a mirror in the list of all, from the one that needs attention most. */
const LISTED_STATES = [
  ...(['failing', 'late', 'failures', 'incidents', 'never', 'empty', 'unscheduled', 'syncing'] as const),
  'fresh',
] as const;
export type ListedState = (typeof LISTED_STATES)[number];

/** In the list of all mirrors, only `fresh` is well. A mirror without data or without a schedule is not `fresh`. */
export function listedStateOf(mirror: Mirror, ageMs: number | null): ListedState {
  const state = judge({ ...mirror, last: mirror.lastRun }, ageMs);
  if (state === 'empty') return mirror.lastRun === null ? 'never' : 'empty';
  if (state !== 'fresh') return state;
  if (mirror.openFailures > 0) return 'failures';
  if (mirror.openIncidents > 0) return 'incidents';
  if (mirror.documents === 0) return 'empty';
  return mirror.everySeconds === null ? 'unscheduled' : 'fresh';
}

export const isTrouble = (state: ListedState): boolean =>
  LISTED_STATES.indexOf(state) <= LISTED_STATES.indexOf('incidents');

/** Mirrors with their states, trouble first; mirrors of one state keep their order. */
export function byTrouble(mirrors: readonly Mirror[], ageOf: (mirror: Mirror) => number | null) {
  return mirrors
    .map((mirror) => {
      const ageMs = ageOf(mirror);
      return { mirror, ageMs, state: listedStateOf(mirror, ageMs) };
    })
    .sort((one, other) => LISTED_STATES.indexOf(one.state) - LISTED_STATES.indexOf(other.state));
}
