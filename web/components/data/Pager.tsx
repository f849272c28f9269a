import { texts } from '../../i18n/texts.ts';
import { Icon } from '../layout/Icon.tsx';
import type { PagerProps } from './use-cursors.ts';

/** To the page before and after; nothing where there is only one. */
export function Pager({ onPrevious, onNext }: PagerProps) {
  const { common } = texts.value;
  if (onPrevious === null && onNext === null) return null;
  return (
    <nav class="pager" aria-label={common.paging}>
      <button type="button" disabled={onPrevious === null} onClick={() => onPrevious?.()}>
        <Icon name="left" /> {common.previous}
      </button>
      <button type="button" disabled={onNext === null} onClick={() => onNext?.()}>
        {common.next} <Icon name="right" />
      </button>
    </nav>
  );
}
