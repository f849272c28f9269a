import type { SyncLogRow } from '../../db/schema/sync.ts';
import { type Piece, styled } from '../io.ts';
import { count, span } from '../text.ts';

const OUTCOMES = ['created', 'updated', 'unchanged', 'archived', 'gone', 'late', 'reread', 'failed'] as const;

/** `3 updated, 1 failed`; empty if the run did nothing, or has not ended. */
export function outcomesText(run: SyncLogRow): string {
  return OUTCOMES.filter((name) => run[name] > 0)
    .map((name) => `${count(run[name])} ${name}`)
    .join(', ');
}

const STYLES: Readonly<Partial<Record<SyncLogRow['status'], 'green' | 'red' | 'yellow'>>> = {
  success: 'green',
  partial: 'yellow',
  failed: 'red',
};

export function statusPiece({ status }: Pick<SyncLogRow, 'status'>): Piece {
  const style = STYLES[status];
  return style === undefined ? status : styled(style, status);
}

/** `840 ms`, `3.2 s`, `12 min`; empty if the run has not ended. */
export function durationText({ durationMs }: Pick<SyncLogRow, 'durationMs'>): string {
  if (durationMs === null) return '';
  if (durationMs < 1000) return `${durationMs} ms`;
  return durationMs < 10_000 ? `${(durationMs / 1000).toFixed(1)} s` : span(durationMs);
}
