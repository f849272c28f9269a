import type { ComponentChildren } from 'preact';
import { go, place } from '../../router.ts';

interface LinkProps {
  /** An address made by `href`. */
  readonly to: string;
  readonly children: ComponentChildren;
  readonly class?: string;
  readonly 'aria-label'?: string;
  readonly 'aria-current'?: 'page' | undefined;
}

/** A link to one of our pages: shown without loading the document again, unless people want a new tab. */
export function Link({ to, children, ...rest }: LinkProps) {
  const follow = (event: MouseEvent) => {
    if (event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    go(to);
  };
  return (
    <a href={to} onClick={follow} {...rest}>
      {children}
    </a>
  );
}

/** Whether this page, or one below it, is shown. */
export function isHere(path: string): boolean {
  const shown = place.value.path;
  return shown === path || (path !== '' && shown.startsWith(`${path}/`));
}
