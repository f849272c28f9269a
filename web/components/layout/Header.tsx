import { texts } from '../../i18n/texts.ts';
import { href } from '../../router.ts';
import { ConnectionStatus } from '../feedback/ConnectionStatus.tsx';
import { Icon } from './Icon.tsx';
import { isHere, Link } from './Link.tsx';
import { Settings } from './Settings.tsx';

const PAGES = [
  ['', 'overview'],
  ['/bc', 'bc'],
  ['/runs', 'runs'],
] as const;

export function Header() {
  const { common } = texts.value;
  return (
    <header class="top">
      <div class="top-row">
        <Link to={href('')} class="brand">
          <img src="/admin/favicon.svg" alt="" width="28" height="28" />
          Passerelle
        </Link>
        <ConnectionStatus />
        <Settings />
      </div>
      <nav aria-label={common.navigation}>
        <ul>
          {PAGES.map(([path, name]) => (
            <li key={name}>
              <Link to={href(path)} aria-current={isHere(path) ? 'page' : undefined}>
                {common.pages[name]}
              </Link>
            </li>
          ))}
          <li>
            <a href={href('/queues')}>
              {common.pages.queues} <Icon name="out" />
            </a>
          </li>
        </ul>
      </nav>
    </header>
  );
}
