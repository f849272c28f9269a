import type { ComponentChildren } from 'preact';
import { Fragment } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { ConnectionNotice } from './components/feedback/ConnectionNotice.tsx';
import { Header } from './components/layout/Header.tsx';
import { texts } from './i18n/texts.ts';
import { BC_MIRROR, mirrorName, mirrors } from './live/mirrors.ts';
import { BcListPage } from './pages/bc/list/BcListPage.tsx';
import { BcPage } from './pages/bc/order/BcPage.tsx';
import { MirrorsPage } from './pages/mirrors/MirrorsPage.tsx';
import { UnknownMirrorPage } from './pages/mirrors/UnknownMirrorPage.tsx';
import { NotFoundPage } from './pages/NotFoundPage.tsx';
import { OverviewPage } from './pages/overview/OverviewPage.tsx';
import { RunPage } from './pages/runs/RunPage.tsx';
import { RunsPage } from './pages/runs/RunsPage.tsx';
import { go, hrefIn, place } from './router.ts';

/** The page that an address leads to. */
function shownPage(): ComponentChildren {
  const { mirror: named, path } = place.value;
  if (mirrors.value === null) return <p class="quiet loading">{texts.value.common.loading}</p>;
  if (mirrorName.value !== null) return pageOf(path);
  if (named !== null) return <UnknownMirrorPage name={named} />;
  return path === '' ? <MirrorsPage /> : <OldAddress path={path} />;
}

/** A page of the mirror that is shown; null: there is no such page. */
function knownPage(path: string): ComponentChildren {
  if (path === '') return <OverviewPage />;
  const [, kind, id] = /^\/(bc|documents|runs)(?:\/([1-9]\d{0,14}))?$/.exec(path) ?? [];
  if (kind === undefined) return null;
  if (kind === 'runs') return id === undefined ? <RunsPage /> : <RunPage key={id} id={Number(id)} />;
  return id === undefined ? <BcListPage /> : <BcPage key={id} id={Number(id)} />;
}

const pageOf = (path: string): ComponentChildren => knownPage(path) ?? <NotFoundPage />;

/** An address from the time when there was one mirror: it meant the mirror `bc`. */
function OldAddress({ path }: { readonly path: string }) {
  const isPage = knownPage(path) !== null;
  useEffect(() => {
    const all = mirrors.value ?? [];
    const { name } = all.find((one) => one.name === BC_MIRROR) ?? all[0] ?? { name: BC_MIRROR };
    if (!isPage) return;
    const to = hrefIn(name, path.replace(/^\/bc/, '/documents'));
    go(`${to}${window.location.search}`, 'replace');
  }, [path]);
  return isPage ? null : <NotFoundPage />;
}

/** The frame of every page. A page that was gone to begins at its heading, for eyes and for screen readers. */
export function App() {
  const { mirror, path } = place.value;
  const address = `${mirror} ${path}`;
  const main = useRef<HTMLElement>(null);
  const shown = useRef(address);
  useEffect(() => {
    if (shown.current === address) return;
    shown.current = address;
    window.scrollTo(0, 0);
    main.current?.focus({ preventScroll: true });
  }, [address]);
  return (
    <>
      <a class="skip" href="#content">
        {texts.value.common.skip}
      </a>
      <Header />
      <main id="content" tabIndex={-1} ref={main}>
        <ConnectionNotice />
        {/* Nothing of one mirror is shown under the name of another. */}
        <Fragment key={mirrorName.value}>{shownPage()}</Fragment>
      </main>
    </>
  );
}
