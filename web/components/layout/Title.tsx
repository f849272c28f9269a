import type { ComponentChildren } from 'preact';
import { useEffect } from 'preact/hooks';
import { isSeveral, mirrorName } from '../../live/mirrors.ts';

interface TitleProps {
  /** In the browser's tab, before the names of the mirror, if there are several, and of the service. */
  readonly text: string;
  readonly children?: ComponentChildren;
  readonly class?: string;
}

/** The heading of a page, and the title of its tab. */
export function Title({ text, children, class: name }: TitleProps) {
  const mirror = isSeveral.value ? mirrorName.value : null;
  useEffect(() => {
    document.title = [text, ...(mirror === null ? [] : [mirror]), 'Passerelle'].join(' · ');
  }, [text, mirror]);
  return <h1 {...(name !== undefined && { class: name })}>{children ?? text}</h1>;
}
