import { useEffect } from 'preact/hooks';
import { runAt } from '../../api/endpoints.ts';
import { useAnswer } from '../../api/use-answer.ts';
import { Loadable } from '../../components/feedback/Loadable.tsx';
import { Link } from '../../components/layout/Link.tsx';
import { Title } from '../../components/layout/Title.tsx';
import { texts } from '../../i18n/texts.ts';
import { latest } from '../../live/mirror.ts';
import { currentMirror, runHref } from '../../live/mirrors.ts';
import { go, href } from '../../router.ts';
import { RunFacts } from './RunFacts.tsx';

/** One run in full, followed while it goes. */
export function RunPage({ id }: { readonly id: number }) {
  const { runs } = texts.value;
  const loaded = useAnswer(runAt(id), latest.value?.at);
  const run = loaded.answer;
  // Numbers of runs are those of all mirrors, so a run is found under any mirror, and shown under its own.
  const isElsewhere = run !== null && run.key !== currentMirror.value?.key;
  useEffect(() => {
    if (run !== null && isElsewhere && runHref(run) !== href(`/runs/${id}`)) go(runHref(run), 'replace');
  }, [isElsewhere]);
  return (
    <>
      <p class="up">
        <Link to={href('/runs')}>{runs.title}</Link>
      </p>
      <Title text={runs.one(id)} />
      <Loadable of={loaded}>{(run) => <RunFacts of={run} />}</Loadable>
    </>
  );
}
