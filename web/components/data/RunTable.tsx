import type { Run } from '../../api/answers.ts';
import { duration, number } from '../../i18n/format.ts';
import { texts } from '../../i18n/texts.ts';
import { href } from '../../router.ts';
import { StatusBadge } from '../feedback/StatusBadge.tsx';
import { Link } from '../layout/Link.tsx';
import { TableBox } from '../layout/TableBox.tsx';
import { Ago } from './Moment.tsx';

const COUNTS = ['created', 'updated', 'archived', 'failed', 'late'] as const;

/** Runs with their figures. */
export function RunTable({ runs }: { readonly runs: readonly Run[] }) {
  const { columns, caption, lateHint } = texts.value.runs;
  return (
    <TableBox label={caption}>
      <thead>
        <tr>
          <th scope="col">{columns.run}</th>
          <th scope="col">{columns.when}</th>
          <th scope="col">{columns.mode}</th>
          <th scope="col">{columns.status}</th>
          <th scope="col" class="number">
            {columns.duration}
          </th>
          {COUNTS.map((name) => (
            <th key={name} scope="col" class="number" title={name === 'late' ? lateHint : undefined}>
              {columns[name]}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {runs.map((run) => (
          <Row key={run.id} of={run} />
        ))}
      </tbody>
    </TableBox>
  );
}

function Row({ of: run }: { readonly of: Run }) {
  const { common, runs } = texts.value;
  return (
    <tr>
      <th scope="row">
        <Link to={href(`/runs/${run.id}`)} aria-label={runs.one(run.id)}>
          {run.id}
        </Link>
      </th>
      <td>
        <Ago at={run.startedAt ?? run.requestedAt} />
      </td>
      <td>{runs.modes[run.mode]}</td>
      <td>
        <StatusBadge status={run.status} />
      </td>
      <td class="number">{run.durationMs === null ? common.none : duration(run.durationMs)}</td>
      {COUNTS.map((name) => (
        <td key={name} class={run[name] === 0 ? 'number zero' : `number ${name}`}>
          {number(run[name])}
        </td>
      ))}
    </tr>
  );
}
