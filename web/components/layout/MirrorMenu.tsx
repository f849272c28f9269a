import { useEffect, useRef } from 'preact/hooks';
import { texts } from '../../i18n/texts.ts';
import { mirrorName, mirrors } from '../../live/mirrors.ts';
import { hrefIn, place } from '../../router.ts';
import { Link } from './Link.tsx';

/**
 * The mirror that is shown, and links to the others. Not a `select`: on some systems its arrow keys would change the
 * page at each step.
 */
export function MirrorMenu() {
  const menu = useRef<HTMLDetailsElement>(null);
  const { mirrors: words } = texts.value;
  const shown = mirrorName.value;
  const close = () => menu.current?.removeAttribute('open');
  useEffect(close, [place.value]);
  useEffect(() => {
    const closeOutside = ({ target }: Event) => {
      if (target instanceof Node && menu.current?.contains(target) !== true) close();
    };
    document.addEventListener('click', closeOutside);
    document.addEventListener('focusin', closeOutside);
    return () => {
      document.removeEventListener('click', closeOutside);
      document.removeEventListener('focusin', closeOutside);
    };
  }, []);
  return (
    <details
      class="popup menu"
      ref={menu}
      onKeyDown={({ key }) => {
        if (key !== 'Escape' || menu.current?.open !== true) return;
        close();
        menu.current.querySelector('summary')?.focus();
      }}
    >
      <summary>
        <span class="quiet">{words.label}</span> {shown ?? words.all}
      </summary>
      <ul class="menu-body" aria-label={words.choices}>
        <li>
          <Link to={hrefIn(null, '')} aria-current={shown === null ? 'page' : undefined}>
            {words.title}
          </Link>
        </li>
        {mirrors.value?.map(({ name, model }) => (
          <li key={name}>
            <Link to={hrefIn(name, section())} aria-current={shown === name ? 'page' : undefined}>
              {name} <span class="quiet">{model}</span>
            </Link>
          </li>
        ))}
      </ul>
    </details>
  );
}

/** The same page of another mirror. A document or a run is one of its own mirror only: its list is shown. */
function section(): string {
  const [, kind] = place.value.path.split('/');
  return kind === 'runs' || kind === 'documents' ? `/${kind}` : '';
}
