import type { CurrentRun } from '../../api/answers.ts';
import type { Fact } from '../../components/data/Facts.tsx';
import { Facts } from '../../components/data/Facts.tsx';
import { Card } from '../../components/layout/Card.tsx';
import { Link } from '../../components/layout/Link.tsx';
import { duration, number, percent } from '../../i18n/format.ts';
import { texts } from '../../i18n/texts.ts';
import { now } from '../../live/clock.ts';
import { latest } from '../../live/mirror.ts';
import { doneOf, pace } from '../../live/pace.ts';
import { href } from '../../router.ts';
import { LastRun } from './LastRun.tsx';

/** The results of the BCs that are done. */
const OUTCOMES = ['created', 'updated', 'unchanged', 'archived', 'failed'] as const;

/** The run in progress, as it goes. */
export function CurrentRunCard() {
  const { current } = texts.value.overview;
  const run = latest.value?.state.currentRun ?? null;
  return (
    <Card title={current.title} class="current">
      {run === null ? <LastRun /> : <Progress of={run} />}
    </Card>
  );
}

function Progress({ of: run }: { readonly of: CurrentRun }) {
  const { overview, runs } = texts.value;
  const { current } = overview;
  const done = doneOf(run);
  const isKnown = run.phase !== 'planning' && run.planned > 0;
  const elapsed = run.elapsedMs + Math.max(0, now.value - (latest.value?.at ?? now.value));
  return (
    <>
      <p class="phase">
        <strong>{current.phases[run.phase]}</strong>
        {isKnown && <span class="share">{percent(Math.floor((done / run.planned) * 100) / 100)}</span>}
      </p>
      <progress aria-label={current.label} max={run.planned || 1} {...(isKnown && { value: done })} />
      <p class="quiet">
        {isKnown && <>{current.done(number(done), number(run.planned))} · </>}
        <PaceWords />
        {current.elapsed(duration(elapsed))}
      </p>
      <Facts of={OUTCOMES.map((state): Fact => [runs.columns[state], number(run.progress[state] ?? 0)])} />
      <p>
        <Link to={href(`/runs/${run.id}`)}>{runs.one(run.id)}</Link> · {runs.modes[run.mode]}
      </p>
    </>
  );
}

function PaceWords() {
  const { current } = texts.value.overview;
  const known = pace.value;
  if (known === null) return null;
  const left = duration(Math.max(1000, Math.round(known.leftMs / 1000) * 1000));
  return (
    <>
      {current.rate(number(known.perSecond, known.perSecond < 10 ? 1 : 0))} · {current.left(left)} ·{' '}
    </>
  );
}
