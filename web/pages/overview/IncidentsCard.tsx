import type { Incident } from '../../api/answers.ts';
import { incidentsAt } from '../../api/endpoints.ts';
import { useAnswer } from '../../api/use-answer.ts';
import { LongText } from '../../components/data/LongText.tsx';
import { Ago, Moment } from '../../components/data/Moment.tsx';
import { Loadable } from '../../components/feedback/Loadable.tsx';
import { Card } from '../../components/layout/Card.tsx';
import { Link } from '../../components/layout/Link.tsx';
import { TableBox } from '../../components/layout/TableBox.tsx';
import { texts } from '../../i18n/texts.ts';
import { epoch } from '../../live/mirror.ts';
import { mirrorName } from '../../live/mirrors.ts';
import { hrefIn } from '../../router.ts';

const SHOWN = 6;

/** All open incidents, and the last closed ones. */
export function IncidentsCard() {
  const { incidents } = texts.value.overview;
  const loaded = useAnswer(incidentsAt(), epoch.value);
  return (
    <Card title={incidents.title}>
      <Loadable of={loaded}>
        {({ items }) => {
          const shown = items.filter(({ resolvedAt }, at) => resolvedAt === null || at < SHOWN);
          return shown.length === 0 ? <p class="quiet">{incidents.none}</p> : <Table of={shown} />;
        }}
      </Loadable>
    </Card>
  );
}

function Table({ of: shown }: { readonly of: readonly Incident[] }) {
  const { incidents } = texts.value.overview;
  const isOfAll = mirrorName.value === null;
  return (
    <TableBox label={incidents.caption}>
      <thead>
        <tr>
          <th scope="col">{incidents.columns.what}</th>
          <th scope="col">{incidents.columns.since}</th>
          <th scope="col">{incidents.columns.until}</th>
        </tr>
      </thead>
      <tbody>
        {shown.map(({ id, kind, mirror, message, openedAt, resolvedAt }) => (
          <tr key={id}>
            <th scope="row" class="reason">
              {isOfAll && mirror !== null && (
                <>
                  <Link to={hrefIn(mirror, '')}>{mirror}</Link>
                  {' · '}
                </>
              )}
              {incidents.kinds[kind]}
              <span class="original">
                <LongText text={message} />
              </span>
            </th>
            <td>
              <Ago at={openedAt} />
            </td>
            <td>
              {resolvedAt === null ? (
                <span class="badge bad">{incidents.open}</span>
              ) : (
                <Moment at={resolvedAt} />
              )}
            </td>
          </tr>
        ))}
      </tbody>
    </TableBox>
  );
}
