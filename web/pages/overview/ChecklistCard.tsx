import { checksEndpoint } from '../../api/endpoints.ts';
import { useAnswer } from '../../api/use-answer.ts';
import { Loadable } from '../../components/feedback/Loadable.tsx';
import { Card } from '../../components/layout/Card.tsx';
import { Icon } from '../../components/layout/Icon.tsx';
import { texts } from '../../i18n/texts.ts';
import { now } from '../../live/clock.ts';
import { latest } from '../../live/mirror.ts';

const EVERY_MS = 15_000;
const ICONS = { ok: 'check', warning: 'clock', failed: 'alert' } as const;

/** The needs of the first run, while the mirror is empty. */
export function ChecklistCard() {
  const state = latest.value?.state;
  return state === undefined || state.lastSync !== null ? null : <Checklist />;
}

function Checklist() {
  const { title, areas, outcomes } = texts.value.overview.checks;
  const loaded = useAnswer(checksEndpoint, Math.floor(now.value / EVERY_MS));
  return (
    <Card title={title}>
      <Loadable of={loaded}>
        {({ checks }) => (
          <ul class="checks">
            {checks.map(({ area, name, outcome, text, fix }) => (
              <li key={`${area} ${name}`} class={outcome}>
                <Icon name={ICONS[outcome]} />
                <span class="unseen">{outcomes[outcome]}</span>
                <strong>{areas[area]}</strong> {text} {fix}
              </li>
            ))}
          </ul>
        )}
      </Loadable>
    </Card>
  );
}
