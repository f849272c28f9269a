import { useState } from 'preact/hooks';
import { startRunEndpoint } from '../../api/endpoints.ts';
import { useRequest } from '../../api/use-request.ts';
import { Outcome } from '../../components/feedback/Outcome.tsx';
import { Card } from '../../components/layout/Card.tsx';
import { Icon } from '../../components/layout/Icon.tsx';
import { Title } from '../../components/layout/Title.tsx';
import { texts } from '../../i18n/texts.ts';
import { now } from '../../live/clock.ts';
import { byTrouble, isTrouble } from '../../live/mirror-state.ts';
import { board } from '../../live/mirrors.ts';
import { refreshMirrors } from '../../live/stream.ts';
import { IncidentsCard } from '../overview/IncidentsCard.tsx';
import { UpstreamsCard } from '../overview/UpstreamsCard.tsx';
import { type ListedMirror, MirrorTable } from './MirrorTable.tsx';

/** All mirrors, those that need attention first. */
export function MirrorsPage() {
  const { mirrors: words, common } = texts.value;
  const [started, setStarted] = useState('');
  const { requested, send, isBusy } = useRequest(() => void refreshMirrors());
  const known = board.value;
  if (known === null) {
    return (
      <>
        <Title text={words.title} />
        <p class="quiet loading">{common.loading}</p>
      </>
    );
  }
  const passed = Math.max(0, now.value - known.at);
  const rows = byTrouble(known.items, ({ ageSeconds }) =>
    ageSeconds === null ? null : ageSeconds * 1000 + passed,
  );
  const sync = (mirror: string) => {
    setStarted(mirror);
    void send(startRunEndpoint, { mode: 'incremental', mirror });
  };
  return (
    <>
      <Verdict of={rows} />
      <Card title={words.title}>
        {requested.step !== 'idle' && <h3>{started}</h3>}
        <Outcome of={requested} />
        <MirrorTable rows={rows} isBusy={isBusy} onSync={sync} />
      </Card>
      <div class="grid">
        <UpstreamsCard />
        <IncidentsCard />
      </div>
    </>
  );
}

/** The one sentence about all mirrors. */
function Verdict({ of: rows }: { readonly of: readonly ListedMirror[] }) {
  const { mirrors: words } = texts.value;
  const count = (isIt: (row: ListedMirror) => boolean) => rows.filter(isIt).length;
  const troubled = count(({ state }) => isTrouble(state));
  const dataless = count(({ state, mirror }) => mirror.lastSync === null || state === 'empty');
  const isBad = rows.some(({ state }) => state === 'failing');
  const [tone, text] =
    troubled > 0
      ? ([isBad ? 'failing' : 'late', words.attention(troubled, rows.length)] as const)
      : dataless > 0
        ? (['empty', words.dataless(dataless, rows.length)] as const)
        : (['fresh', words.fresh(rows.length)] as const);
  return (
    <section class={`state short ${tone}`} aria-label={words.verdict}>
      <div class="state-words">
        <span class="state-icon">
          <Icon name={ICONS[tone]} />
        </span>
        <div role="status">
          <Title text={text} />
        </div>
      </div>
    </section>
  );
}

const ICONS = { failing: 'alert', late: 'alert', empty: 'empty', fresh: 'check' } as const;
