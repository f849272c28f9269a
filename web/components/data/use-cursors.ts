import { useState } from 'preact/hooks';

export interface PagerProps {
  readonly onPrevious: (() => void) | null;
  readonly onNext: (() => void) | null;
}

/** Where a list is, page by page, there and back. Another `key` is another list, which begins at its first page. */
export function useCursors(key: string) {
  const [state, setState] = useState<{ readonly key: string; readonly cursors: readonly string[] }>({
    key,
    cursors: [],
  });
  const cursors = state.key === key ? state.cursors : [];
  const move = (to: readonly string[]) => setState({ key, cursors: to });
  // The cursor of a stale page belongs to no page of this list, or to the one being loaded.
  const pager = (next: string | null, stale: boolean): PagerProps => ({
    onPrevious: cursors.length === 0 ? null : () => move(cursors.slice(0, -1)),
    onNext: next === null ? null : () => (stale ? undefined : move([...cursors, next])),
  });
  return { cursor: cursors.at(-1), pager };
}
