import type { Requested } from '../../api/use-request.ts';
import { number } from '../../i18n/format.ts';
import { texts } from '../../i18n/texts.ts';
import { runHref } from '../../live/mirrors.ts';
import { countsOf } from '../data/change-counts.ts';
import { Icon } from '../layout/Icon.tsx';
import { Link } from '../layout/Link.tsx';
import { Problem } from './Problem.tsx';

const TONES = {
  success: 'ok',
  partial: 'warn',
  failed: 'bad',
  skipped: 'warn',
  queued: '',
  running: '',
} as const;

/** The result of a button that requests a run, spoken as it changes. */
export function Outcome({ of: requested }: { readonly of: Requested }) {
  return (
    <div class="outcome" role="status">
      <Words of={requested} />
    </div>
  );
}

function Words({ of: requested }: { readonly of: Requested }) {
  const { actions } = texts.value;
  switch (requested.step) {
    case 'idle':
      return null;
    case 'sending':
      return <p class="notice">{actions.sending}</p>;
    case 'refused':
      return (
        <p class="notice bad">
          <Icon name="alert" /> <Problem problem={requested.problem} />
        </p>
      );
    case 'following':
      return <p class="notice info">{followed(requested)}</p>;
    case 'ended': {
      const { run } = requested;
      return (
        <p class={`notice ${TONES[run.status]}`}>
          <Icon name={run.status === 'success' ? 'check' : 'alert'} /> {ended(requested)}{' '}
          <Link to={runHref(run)}>{actions.followed}</Link>
        </p>
      );
    }
  }
}

function followed({ runId, run }: Extract<Requested, { step: 'following' }>): string {
  const { actions } = texts.value;
  if (run === null || run.status === 'queued') return actions.queued(runId);
  const done = run.planned - (run.progress.open ?? 0);
  return run.planned === 0
    ? actions.running(runId)
    : actions.runningOf(runId, number(done), number(run.planned));
}

function ended({ run }: Extract<Requested, { step: 'ended' }>): string {
  const { actions } = texts.value;
  switch (run.status) {
    case 'skipped':
      return actions.skipped(run.id);
    case 'failed':
      return actions.failed(run.id, run.errorMessage ?? actions.noReason);
    case 'partial':
      return actions.partial(run.id, countsOf(run));
    default:
      return actions.success(run.id, countsOf(run));
  }
}
