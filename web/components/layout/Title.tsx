import type { ComponentChildren } from 'preact';
import { useEffect } from 'preact/hooks';

interface TitleProps {
  /** In the browser's tab, before the name of the service. */
  readonly text: string;
  readonly children?: ComponentChildren;
  readonly class?: string;
}

/** The heading of a page, and the title of its tab. */
export function Title({ text, children, class: name }: TitleProps) {
  useEffect(() => {
    document.title = `${text} · Passerelle`;
  }, [text]);
  return <h1 {...(name !== undefined && { class: name })}>{children ?? text}</h1>;
}
