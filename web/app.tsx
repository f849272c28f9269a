import type { ComponentChildren } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { ConnectionNotice } from './components/feedback/ConnectionNotice.tsx';
import { Header } from './components/layout/Header.tsx';
import { texts } from './i18n/texts.ts';
import { BcListPage } from './pages/bc/list/BcListPage.tsx';
import { BcPage } from './pages/bc/order/BcPage.tsx';
import { NotFoundPage } from './pages/NotFoundPage.tsx';
import { OverviewPage } from './pages/overview/OverviewPage.tsx';
import { RunPage } from './pages/runs/RunPage.tsx';
import { RunsPage } from './pages/runs/RunsPage.tsx';
import { place } from './router.ts';

/** The page that an address leads to. */
function pageOf(path: string): ComponentChildren {
  if (path === '') return <OverviewPage />;
  if (path === '/bc') return <BcListPage />;
  if (path === '/runs') return <RunsPage />;
  const [, kind, id = ''] = /^\/(bc|runs)\/([1-9]\d{0,14})$/.exec(path) ?? [];
  if (kind === 'bc') return <BcPage key={id} id={Number(id)} />;
  if (kind === 'runs') return <RunPage key={id} id={Number(id)} />;
  return <NotFoundPage />;
}

/** The frame of every page. A page that was gone to begins at its heading, for eyes and for screen readers. */
export function App() {
  const { path } = place.value;
  const main = useRef<HTMLElement>(null);
  const shown = useRef(path);
  useEffect(() => {
    if (shown.current === path) return;
    shown.current = path;
    window.scrollTo(0, 0);
    main.current?.focus({ preventScroll: true });
  }, [path]);
  return (
    <>
      <a class="skip" href="#content">
        {texts.value.common.skip}
      </a>
      <Header />
      <main id="content" tabIndex={-1} ref={main}>
        <ConnectionNotice />
        {pageOf(path)}
      </main>
    </>
  );
}
