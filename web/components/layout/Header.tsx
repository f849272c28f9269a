import { texts } from '../../i18n/texts.ts';
import { isSeveral, mirrorName, mirrors } from '../../live/mirrors.ts';
import { documentsPath, href, hrefIn, place } from '../../router.ts';
import { ConnectionStatus } from '../feedback/ConnectionStatus.tsx';
import { Icon } from './Icon.tsx';
import { isHere, Link } from './Link.tsx';
import { MirrorMenu } from './MirrorMenu.tsx';
import { Settings } from './Settings.tsx';

/** The pages of a mirror: each path with the name of its text. */
const pages = () =>
  [
    ['', 'overview'],
    [documentsPath(), 'bc'],
    ['/runs', 'runs'],
  ] as const;

export function Header() {
  const { common, mirrors: all } = texts.value;
  return (
    <header class="top">
      <div class="top-row">
        <Link to={hrefIn(null, '')} class="brand">
          <img src="/admin/favicon.svg" alt="" width="28" height="28" />
          Passerelle
        </Link>
        {isSeveral.value && <MirrorMenu />}
        <ConnectionStatus />
        <Settings />
      </div>
      <nav aria-label={common.navigation}>
        <ul>
          {isSeveral.value && (
            <li>
              <Link to={hrefIn(null, '')} aria-current={isFirstPage() ? 'page' : undefined}>
                {all.title}
              </Link>
            </li>
          )}
          {mirrorName.value !== null &&
            pages().map(([path, name]) => (
              <li key={name}>
                <Link to={href(path)} aria-current={isHere(path) ? 'page' : undefined}>
                  {common.pages[name]}
                </Link>
              </li>
            ))}
          {mirrors.value !== null && (
            <li>
              <a href={hrefIn(null, '/queues')}>
                {common.pages.queues} <Icon name="out" />
              </a>
            </li>
          )}
        </ul>
      </nav>
    </header>
  );
}

const isFirstPage = (): boolean => place.value.mirror === null && isHere('');
