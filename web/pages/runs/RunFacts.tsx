import type { RunWithProgress } from '../../api/answers.ts';
import { countsOf } from '../../components/data/change-counts.ts';
import type { Fact } from '../../components/data/Facts.tsx';
import { Facts } from '../../components/data/Facts.tsx';
import { Moment } from '../../components/data/Moment.tsx';
import { StatusBadge } from '../../components/feedback/StatusBadge.tsx';
import { Card } from '../../components/layout/Card.tsx';
import { Link } from '../../components/layout/Link.tsx';
import { duration, number } from '../../i18n/format.ts';
import { texts } from '../../i18n/texts.ts';
import { currentMirror } from '../../live/mirrors.ts';
import { documentsHref, href } from '../../router.ts';

const COUNTS = ['created', 'updated', 'unchanged', 'archived', 'failed', 'late'] as const;
const LONGEST_LIST = 20;

/** The facts about a run. */
export function RunFacts({ of: run }: { readonly of: RunWithProgress }) {
  const { runs, common } = texts.value;
  const { columns, facts } = runs;
  const counts = COUNTS.map((name): Fact => [columns[name], number(run[name])]);
  const hasLines = currentMirror.value?.lineModel !== null;
  const done = run.planned - (run.progress.open ?? 0);
  return (
    <>
      <p class="lead">
        <StatusBadge status={run.status} /> {runs.modes[run.mode]} · {countsOf(run)}
      </p>
      {run.finishedAt === null && run.planned > 0 && (
        <progress aria-label={texts.value.overview.current.label} max={run.planned} value={done} />
      )}
      {run.errorMessage !== null && (
        <p class="notice bad">
          <code>{run.errorCode}</code> {run.errorMessage}
        </p>
      )}
      <div class="grid">
        <Card title={common.details}>
          <Facts of={timesOf(run)} />
        </Card>
        <Card title={columns.status}>
          <Facts
            of={[
              ...counts,
              [facts.gone, number(run.gone)],
              [facts.planned, number(run.planned)],
              ...(run.mode === 'sweep' ? [[facts.reread, number(run.reread)] as const] : []),
              ...(hasLines ? linesOf(run) : []),
              [facts.rpcCalls, number(run.rpcCalls)],
            ]}
          />
        </Card>
      </div>
    </>
  );
}

const linesOf = (run: RunWithProgress): Fact[] => {
  const { facts } = texts.value.runs;
  return [
    [facts.linesSeen, number(run.linesSeen)],
    [facts.linesRemoved, number(run.linesRemoved)],
  ];
};

function timesOf(run: RunWithProgress): Fact[] {
  const { facts, columns, triggers } = texts.value.runs;
  const { odooIds, continues } = run;
  return [
    [facts.trigger, triggers[run.trigger]],
    [facts.requestedAt, <Moment key="requested" at={run.requestedAt} />],
    [facts.startedAt, <Moment key="started" at={run.startedAt} />],
    [facts.finishedAt, <Moment key="finished" at={run.finishedAt} />],
    ...(run.durationMs === null ? [] : [[columns.duration, duration(run.durationMs)] as const]),
    ...(run.since === null ? [] : [[facts.since, <Moment key="since" at={run.since} />] as const]),
    ...(run.nowSync === null ? [] : [[facts.nowSync, <Moment key="now" at={run.nowSync} />] as const]),
    ...(run.odooVersion === null ? [] : [[facts.odooVersion, run.odooVersion] as const]),
    ...(run.protocol === null ? [] : [[facts.protocol, run.protocol] as const]),
    ...(continues === null
      ? []
      : [
          [
            facts.continues,
            <Link key="before" to={href(`/runs/${continues}`)}>
              {continues}
            </Link>,
          ] as const,
        ]),
    ...(odooIds === null ? [] : [[facts.odooIds, <Orders key="orders" of={odooIds} />] as const]),
  ];
}

function Orders({ of: ids }: { readonly of: readonly number[] }) {
  return (
    <>
      {ids.slice(0, LONGEST_LIST).map((id, at) => (
        <span key={id}>
          {at > 0 && ', '}
          <Link to={documentsHref(`/${id}`)}>{id}</Link>
        </span>
      ))}
      {ids.length > LONGEST_LIST && '…'}
    </>
  );
}
