import { useState } from 'preact/hooks';
import type { RunMode } from '../../api/answers.ts';
import { runsAt } from '../../api/endpoints.ts';
import { useAnswer } from '../../api/use-answer.ts';
import { RunChart } from '../../components/charts/RunChart.tsx';
import { ModeSelect } from '../../components/data/ModeSelect.tsx';
import { RunTable } from '../../components/data/RunTable.tsx';
import { Loadable } from '../../components/feedback/Loadable.tsx';
import { Card } from '../../components/layout/Card.tsx';
import { Link } from '../../components/layout/Link.tsx';
import { texts } from '../../i18n/texts.ts';
import { epoch } from '../../live/mirror.ts';
import { href } from '../../router.ts';

const IN_CHART = 40;
const IN_TABLE = 10;

/** The last runs: as a chart, and the newest of them as a table. */
export function HistoryCard() {
  const { overview, runs } = texts.value;
  const [mode, setMode] = useState<RunMode | ''>('');
  const loaded = useAnswer(runsAt({ limit: IN_CHART, mode }), epoch.value);
  return (
    <Card title={overview.history.title} aside={<ModeSelect value={mode} onChoose={setMode} />}>
      <Loadable of={loaded}>
        {({ items }) =>
          items.length === 0 ? (
            <p class="quiet">{runs.none}</p>
          ) : (
            <>
              <RunChart runs={items.toReversed()} />
              <RunTable runs={items.slice(0, IN_TABLE)} />
            </>
          )
        }
      </Loadable>
      <p>
        <Link to={href('/runs')}>{overview.history.allRuns}</Link>
      </p>
    </Card>
  );
}
