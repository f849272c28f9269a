import type { RunStatus, SyncLogRow } from './schema/sync.ts';

type Counts =
  | 'created'
  | 'updated'
  | 'unchanged'
  | 'archived'
  | 'gone'
  | 'failed'
  | 'late'
  | 'linesSeen'
  | 'linesRemoved';

/** What a run that is over came to. */
export interface EndedRun extends Pick<SyncLogRow, Counts | 'mode'> {
  readonly status: Exclude<RunStatus, 'queued' | 'running'>;
  readonly durationMs: number;
}

/** One that did nothing: it found nothing to do, or was not let. */
export function idleRun(run: Pick<EndedRun, 'mode' | 'status' | 'durationMs'>): EndedRun {
  const documents = { created: 0, updated: 0, unchanged: 0, archived: 0, gone: 0, failed: 0, late: 0 };
  return { ...run, ...documents, linesSeen: 0, linesRemoved: 0 };
}
