import type { ComponentChildren } from 'preact';
import type { Pages } from '../../api/use-pages.ts';
import { texts } from '../../i18n/texts.ts';
import { Problem } from '../feedback/Problem.tsx';

interface GrowingProps<Item> {
  readonly of: Pages<Item>;
  /** The text of an empty list. */
  readonly none: string;
  /** On the button that shows more. */
  readonly more: string;
  readonly children: (items: readonly Item[]) => ComponentChildren;
}

/** A list that grows at its end by a button. */
export function GrowingList<Item>({
  of: { items, problem, loading, hasMore, more },
  none,
  ...rest
}: GrowingProps<Item>) {
  const { common } = texts.value;
  return (
    <>
      {items !== null && (items.length === 0 ? <p class="quiet">{none}</p> : rest.children(items))}
      {items === null && loading && <p class="quiet loading">{common.loading}</p>}
      {problem !== null && (
        <p class="notice bad" role="alert">
          <strong>{common.failed}</strong> <Problem problem={problem} />
        </p>
      )}
      {(hasMore || problem !== null) && (
        <button type="button" disabled={loading} onClick={more}>
          {problem === null ? rest.more : common.tryAgain}
        </button>
      )}
    </>
  );
}
