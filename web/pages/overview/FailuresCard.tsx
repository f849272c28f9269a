import type { Failure } from '../../api/answers.ts';
import { failuresAt, retryAt } from '../../api/endpoints.ts';
import { useAnswer } from '../../api/use-answer.ts';
import { useRequest } from '../../api/use-request.ts';
import { LongText } from '../../components/data/LongText.tsx';
import { Ago } from '../../components/data/Moment.tsx';
import { Loadable } from '../../components/feedback/Loadable.tsx';
import { Outcome } from '../../components/feedback/Outcome.tsx';
import { Card } from '../../components/layout/Card.tsx';
import { Icon } from '../../components/layout/Icon.tsx';
import { Link } from '../../components/layout/Link.tsx';
import { TableBox } from '../../components/layout/TableBox.tsx';
import { texts } from '../../i18n/texts.ts';
import { epoch, latest } from '../../live/mirror.ts';
import { BC_MIRROR, mirrorName } from '../../live/mirrors.ts';
import { documentsHref, hrefIn } from '../../router.ts';

/** BCs that could not be copied, why, and what can be done about each. */
export function FailuresCard() {
  const { failures } = texts.value.overview;
  const loaded = useAnswer(failuresAt(), epoch.value);
  // State of the card, not of the row: the row disappears when its retry succeeds, the result stays.
  const { requested, send, isBusy } = useRequest(loaded.reload);
  return (
    <Card title={failures.title}>
      <Outcome of={requested} />
      <Loadable of={loaded}>
        {({ items, nextCursor }) =>
          items.length === 0 ? (
            <p class="quiet">{latest.value?.state.lastSync == null ? failures.noneYet : failures.none}</p>
          ) : (
            <>
              <TableBox label={failures.caption}>
                <Head />
                <tbody>
                  {items.map((failure) => (
                    <Row
                      key={failure.id}
                      of={failure}
                      isBusy={isBusy}
                      onRetry={() => void send(retryAt(failure.odooId))}
                    />
                  ))}
                </tbody>
              </TableBox>
              {nextCursor !== null && <p class="quiet">{failures.more}</p>}
            </>
          )
        }
      </Loadable>
    </Card>
  );
}

/** bull-board puts the name of the mirror before the names of its queues. */
function jobHref(jobId: string): string {
  const mirror = mirrorName.value ?? BC_MIRROR;
  const queue = mirror === BC_MIRROR ? 'bc' : encodeURIComponent(`${mirror}: bc`);
  return hrefIn(null, `/queues/queue/${queue}/${jobId}`);
}

function Head() {
  const { columns } = texts.value.overview.failures;
  return (
    <thead>
      <tr>
        <th scope="col">{columns.bc}</th>
        <th scope="col">{columns.act}</th>
        <th scope="col">{columns.reason}</th>
        <th scope="col">{columns.since}</th>
        <th scope="col">{columns.times}</th>
        <th scope="col">{columns.next}</th>
      </tr>
    </thead>
  );
}

interface RowProps {
  readonly of: Failure;
  readonly isBusy: boolean;
  readonly onRetry: () => void;
}

function Row({ of: failure, isBusy, onRetry }: RowProps) {
  const { overview, actions } = texts.value;
  const { odooId, code, message, firstFailedAt, failures, nextAttemptAt, jobId } = failure;
  return (
    <tr>
      <th scope="row">
        <Link to={documentsHref(`/${odooId}`)}>{odooId}</Link>
      </th>
      <td>
        <div class="buttons">
          <button type="button" disabled={isBusy} aria-label={actions.retryOf(odooId)} onClick={onRetry}>
            <Icon name="sync" /> {actions.retry}
          </button>
          {jobId !== null && (
            <a href={jobHref(jobId)} aria-label={overview.failures.jobOf(odooId)}>
              {overview.failures.job}
            </a>
          )}
        </div>
      </td>
      <td class="reason">
        <LongText text={message}>
          <code>{code}</code>
        </LongText>
      </td>
      <td>
        <Ago at={firstFailedAt} />
      </td>
      <td>{overview.failures.times(failures)}</td>
      <td>
        <Ago at={nextAttemptAt} />
      </td>
    </tr>
  );
}
