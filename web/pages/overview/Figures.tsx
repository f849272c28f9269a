import type { ComponentChildren } from 'preact';
import { runsAt } from '../../api/endpoints.ts';
import { useAnswer } from '../../api/use-answer.ts';
import { number } from '../../i18n/format.ts';
import { texts } from '../../i18n/texts.ts';
import { epoch, latest } from '../../live/mirror.ts';

/** The few numbers that are 0 when all is well. */
export function Figures() {
  const { figures } = texts.value.overview;
  const state = latest.value?.state;
  const { answer: sweeps } = useAnswer(runsAt({ mode: 'sweep', limit: 1 }), epoch.value);
  const sweep = sweeps?.items[0];
  return (
    <section aria-label={figures.title}>
      <dl class="figures">
        <Figure label={figures.failures} value={state?.openFailures} tone="bad" />
        <Figure label={figures.incidents} value={state?.openIncidents} tone="bad" />
        <Figure label={figures.late} value={sweep?.late} tone="warn" note={figures.lateNote} />
        <Queues />
      </dl>
    </section>
  );
}

interface FigureProps {
  readonly label: string;
  readonly value: number | undefined;
  /** The severity of any number but 0. */
  readonly tone: 'bad' | 'warn' | 'plain';
  readonly note?: ComponentChildren;
}

function Figure({ label, value, tone, note }: FigureProps) {
  const look = value === undefined || value === 0 ? 'plain' : tone;
  return (
    <div class={`figure ${look}`}>
      <dt>{label}</dt>
      <dd>
        <span class="value">{value === undefined ? texts.value.common.none : number(value)}</span>
        {note !== undefined && <span class="note">{note}</span>}
      </dd>
    </div>
  );
}

function Queues() {
  const { figures } = texts.value.overview;
  const state = latest.value?.state;
  if (state === undefined) return <Figure label={figures.queues} value={undefined} tone="plain" />;
  if (state.queues === null) {
    return <Figure label={figures.queues} value={undefined} tone="bad" note={figures.redisAway} />;
  }
  const { sync, pages, bc } = state.queues;
  const note = figures.queueOf(number(sync), number(pages), number(bc));
  return <Figure label={figures.queues} value={pages + bc} tone="plain" note={note} />;
}
