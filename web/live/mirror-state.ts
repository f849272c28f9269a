import type { Overview } from '../api/answers.ts';

export type MirrorState = 'fresh' | 'syncing' | 'late' | 'failing' | 'empty' | 'unknown';

/**
 * The state in one word. A fault has priority over work in progress: a late mirror stays late
 * until a run has ended well.
 *
 * @param ageMs how old the mirror is now
 */
export function mirrorStateOf(state: Overview | null, ageMs: number | null): MirrorState {
  if (state === null) return 'unknown';
  // Single orders and skipped runs say nothing of the whole mirror.
  if (state.lastMirrorRun?.status === 'failed') return 'failing';
  if (state.lateAfterSeconds !== null && ageMs !== null && ageMs >= state.lateAfterSeconds * 1000) {
    return 'late';
  }
  if (state.currentRun !== null) return 'syncing';
  return state.lastSync === null ? 'empty' : 'fresh';
}
