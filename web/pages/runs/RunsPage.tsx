import type { RunStatus } from '../../api/answers.ts';
import { runsAt } from '../../api/endpoints.ts';
import { useAnswer } from '../../api/use-answer.ts';
import { ModeSelect } from '../../components/data/ModeSelect.tsx';
import { Pager } from '../../components/data/Pager.tsx';
import { RunTable } from '../../components/data/RunTable.tsx';
import { useCursors } from '../../components/data/use-cursors.ts';
import { Loadable } from '../../components/feedback/Loadable.tsx';
import { Title } from '../../components/layout/Title.tsx';
import { texts } from '../../i18n/texts.ts';
import { epoch } from '../../live/mirror.ts';
import { go, href, place } from '../../router.ts';

const STATUSES = [
  ...(['queued', 'running', 'success', 'partial', 'failed', 'skipped'] as const),
] satisfies readonly RunStatus[];
const PER_PAGE = 25;

/** The log of runs, filtered, page by page. The address holds the filter. */
export function RunsPage() {
  const { runs } = texts.value;
  const { query } = place.value;
  const mode = query.get('mode') ?? '';
  const status = query.get('status') ?? '';
  const { cursor, pager } = useCursors(`${mode} ${status}`);
  const loaded = useAnswer(runsAt({ limit: PER_PAGE, mode, status, cursor }), epoch.value);
  const choose = (chosen: Record<string, string>) =>
    go(href('/runs', { mode, status, ...chosen }), 'replace');
  return (
    <>
      <Title text={runs.title} />
      <div class="filters">
        <ModeSelect value={modeOf(mode)} onChoose={(chosen) => choose({ mode: chosen })} />
        <label class="field">
          {runs.filterStatus}
          <select value={status} onChange={({ currentTarget }) => choose({ status: currentTarget.value })}>
            <option value="">{runs.all}</option>
            {STATUSES.map((one) => (
              <option key={one} value={one}>
                {runs.statuses[one]}
              </option>
            ))}
          </select>
        </label>
      </div>
      <Loadable of={loaded}>
        {({ items, nextCursor }) => (
          <>
            {items.length === 0 ? <p class="quiet">{runs.none}</p> : <RunTable runs={items} />}
            <Pager {...pager(nextCursor, loaded.stale)} />
          </>
        )}
      </Loadable>
    </>
  );
}

const modeOf = (text: string) =>
  (['incremental', 'full', 'sweep', 'single'] as const).find((mode) => mode === text) ?? '';
