import { countsOf } from '../../components/data/change-counts.ts';
import { Facts } from '../../components/data/Facts.tsx';
import { Ago } from '../../components/data/Moment.tsx';
import { StatusBadge } from '../../components/feedback/StatusBadge.tsx';
import { Link } from '../../components/layout/Link.tsx';
import { duration, number } from '../../i18n/format.ts';
import { texts } from '../../i18n/texts.ts';
import { latest } from '../../live/mirror.ts';
import { href } from '../../router.ts';

/** Shown while no run is in progress: the end of the newest run. */
export function LastRun() {
  const { overview, runs, common } = texts.value;
  const run = latest.value?.state.lastRuns.find(({ finishedAt }) => finishedAt !== null);
  return (
    <>
      <p class="quiet">{overview.current.none}</p>
      {run !== undefined && (
        <>
          <div class="server-head">
            <h3>{overview.current.last}</h3>
            <StatusBadge status={run.status} />
          </div>
          <Facts
            of={[
              [
                runs.columns.run,
                <Link key="run" to={href(`/runs/${run.id}`)}>{`${run.id} · ${runs.modes[run.mode]}`}</Link>,
              ],
              [runs.columns.when, <Ago key="when" at={run.finishedAt} />],
              [runs.columns.duration, run.durationMs === null ? common.none : duration(run.durationMs)],
              [runs.columns.seen, number(run.seen)],
              [overview.current.changed, countsOf(run)],
            ]}
          />
        </>
      )}
    </>
  );
}
