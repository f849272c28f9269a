import type { Mirror } from '../../api/answers.ts';
import { Ago } from '../../components/data/Moment.tsx';
import { StatusBadge } from '../../components/feedback/StatusBadge.tsx';
import type { IconName } from '../../components/layout/Icon.tsx';
import { Icon } from '../../components/layout/Icon.tsx';
import { Link } from '../../components/layout/Link.tsx';
import { TableBox } from '../../components/layout/TableBox.tsx';
import { duration, number } from '../../i18n/format.ts';
import { texts } from '../../i18n/texts.ts';
import type { ListedState } from '../../live/mirror-state.ts';
import { hrefIn } from '../../router.ts';

/** A mirror with its state and its age now. */
export interface ListedMirror {
  readonly mirror: Mirror;
  readonly state: ListedState;
  readonly ageMs: number | null;
}

const LOOKS: Readonly<Record<ListedState, { readonly tone: string; readonly icon: IconName }>> = {
  failing: { tone: 'bad', icon: 'cross' },
  late: { tone: 'warn', icon: 'clock' },
  failures: { tone: 'warn', icon: 'alert' },
  incidents: { tone: 'warn', icon: 'alert' },
  never: { tone: 'plain', icon: 'minus' },
  empty: { tone: 'plain', icon: 'empty' },
  unscheduled: { tone: 'plain', icon: 'clock' },
  syncing: { tone: 'info', icon: 'sync' },
  fresh: { tone: 'ok', icon: 'check' },
};

interface TableProps {
  readonly rows: readonly ListedMirror[];
  readonly isBusy: boolean;
  readonly onSync: (mirror: string) => void;
}

export function MirrorTable({ rows, isBusy, onSync }: TableProps) {
  const { caption, columns } = texts.value.mirrors;
  return (
    <TableBox label={caption}>
      <thead>
        <tr>
          <th scope="col">{columns.mirror}</th>
          <th scope="col">{columns.state}</th>
          <th scope="col">{columns.age}</th>
          <th scope="col" class="number">
            {columns.documents}
          </th>
          <th scope="col" class="number">
            {columns.failures}
          </th>
          <th scope="col">{columns.last}</th>
          <th scope="col">{columns.every}</th>
          <th scope="col">{columns.act}</th>
        </tr>
      </thead>
      <tbody>
        {rows.map((row) => (
          <Row
            key={row.mirror.name}
            of={row}
            isBusy={isBusy || row.mirror.isSyncing}
            onSync={() => onSync(row.mirror.name)}
          />
        ))}
      </tbody>
    </TableBox>
  );
}

interface RowProps {
  readonly of: ListedMirror;
  readonly isBusy: boolean;
  readonly onSync: () => void;
}

function Row({ of: { mirror, state }, isBusy, onSync }: RowProps) {
  const { mirrors: words, common, actions } = texts.value;
  const { name, model, lastSync, documents, openFailures, lastRun, everySeconds } = mirror;
  const { tone, icon } = LOOKS[state];
  return (
    <tr>
      <th scope="row">
        <Link to={hrefIn(name, '')}>{name}</Link>
        <span class="original">{model}</span>
      </th>
      <td>
        <span class={`badge ${tone}`}>
          <Icon name={icon} />
          {words.states[state]}
        </span>
      </td>
      <td>
        <Ago at={lastSync} />
      </td>
      <td class="number">
        <Link to={hrefIn(name, '/documents')} aria-label={words.documentsOf(name, documents)}>
          {number(documents)}
        </Link>
      </td>
      <td class={openFailures === 0 ? 'number zero' : 'number failed'}>
        {openFailures === 0 ? (
          number(0)
        ) : (
          <Link to={hrefIn(name, '')} aria-label={words.failuresOf(name, openFailures)}>
            {number(openFailures)}
          </Link>
        )}
      </td>
      <td>
        {lastRun === null ? (
          common.none
        ) : (
          <Link to={hrefIn(name, `/runs/${lastRun.id}`)} class="run-link">
            <StatusBadge status={lastRun.status} />
            <Ago at={lastRun.finishedAt} />
          </Link>
        )}
      </td>
      <td>{everySeconds === null ? words.unscheduled : duration(everySeconds * 1000)}</td>
      <td>
        <button type="button" disabled={isBusy} aria-label={words.syncOf(name)} onClick={onSync}>
          <Icon name="sync" /> {actions.syncNow}
        </button>
      </td>
    </tr>
  );
}
