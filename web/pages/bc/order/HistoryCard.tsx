import type { Change, Model, Values } from '../../../api/answers.ts';
import { historyAt } from '../../../api/endpoints.ts';
import { usePages } from '../../../api/use-pages.ts';
import { GrowingList } from '../../../components/data/GrowingList.tsx';
import { Moment } from '../../../components/data/Moment.tsx';
import { Card } from '../../../components/layout/Card.tsx';
import { Link } from '../../../components/layout/Link.tsx';
import { texts } from '../../../i18n/texts.ts';
import { href } from '../../../router.ts';
import { ChangeDetail } from './ChangeDetail.tsx';

interface HistoryCardProps {
  readonly header: Model;
  readonly lines: Model | undefined;
  readonly id: number;
  /** The time of the BC's last change: opened parts stay open until then. */
  readonly version: string;
  /** The BC's own, for the currency of its amounts. */
  readonly values: Values;
}

const PER_PAGE = 20;

/** The changes, newest first: before and after, field by field. */
export function HistoryCard({ header, lines, id, version, values }: HistoryCardProps) {
  const { bc } = texts.value;
  const pages = usePages<Change>((cursor) => historyAt(id, { limit: PER_PAGE, cursor }), id, version);
  return (
    <Card title={bc.history}>
      <GrowingList of={pages} none={bc.noHistory} more={bc.moreHistory}>
        {(changes) => (
          <ol class="history">
            {changes.map((change) => (
              <li key={change.id} class={change.action}>
                <h3>{bc.actions[change.action]}</h3>
                <p class="quiet">
                  <Moment at={change.at} /> ·{' '}
                  <Link to={href(`/runs/${change.run.id}`)}>{bc.byRun(change.run.id)}</Link>
                </p>
                <Detail of={change} header={header} lines={lines} values={values} />
              </li>
            ))}
          </ol>
        )}
      </GrowingList>
    </Card>
  );
}

interface DetailProps {
  readonly of: Change;
  readonly header: Model;
  readonly lines: Model | undefined;
  readonly values: Values;
}

/** All lines of a new BC were added: they are listed on request only. */
function Detail({ of: { action, changes }, ...rest }: DetailProps) {
  const detail = <ChangeDetail changes={changes} {...rest} />;
  if (action === 'updated') return detail;
  if (Object.keys(changes).length === 0) return null;
  return (
    <details>
      <summary>{texts.value.common.details}</summary>
      <div class="detail">{detail}</div>
    </details>
  );
}
