import type { IconName } from '../../components/layout/Icon.tsx';
import { Icon } from '../../components/layout/Icon.tsx';
import { Title } from '../../components/layout/Title.tsx';
import { ago, duration } from '../../i18n/format.ts';
import { texts } from '../../i18n/texts.ts';
import { ageMs, latest } from '../../live/mirror.ts';
import type { MirrorState } from '../../live/mirror-state.ts';
import { mirrorStateOf } from '../../live/mirror-state.ts';
import { RunButtons } from './RunButtons.tsx';

const ICONS: Readonly<Record<MirrorState, IconName>> = {
  fresh: 'check',
  syncing: 'sync',
  late: 'clock',
  failing: 'alert',
  empty: 'empty',
  unknown: 'clock',
};

/** The one sentence that answers whether it is all right: in colour, in words and by an icon. */
export function StatePanel() {
  const { overview } = texts.value;
  const state = latest.value?.state ?? null;
  const mirrorState = mirrorStateOf(state, ageMs.value);
  const { openFailures: failures = 0, openIncidents: incidents = 0 } = state ?? {};
  const isBut = mirrorState === 'fresh' && failures + incidents > 0;
  const isSentence = isBut && failures > 0;
  return (
    <section class={`state ${mirrorState} ${isBut ? 'but' : ''}`} aria-label={overview.title}>
      <div class="state-words">
        <span class="state-icon">
          <Icon name={isBut ? 'alert' : ICONS[mirrorState]} turning={mirrorState === 'syncing'} />
        </span>
        <div>
          {/* Only what changes seldom is spoken: the age counts each second. */}
          <div role="status">
            <Title text={isSentence ? overview.freshBut(failures) : overview.verdicts[mirrorState]} />
            <Attention failures={isSentence ? 0 : failures} incidents={incidents} />
          </div>
          <Age />
        </div>
      </div>
      <RunButtons />
    </section>
  );
}

function Attention({ failures, incidents }: { readonly failures: number; readonly incidents: number }) {
  const { overview } = texts.value;
  const words = [
    ...(failures > 0 ? [overview.alsoFailed(failures)] : []),
    ...(incidents > 0 ? [overview.alsoIncidents(incidents)] : []),
  ];
  return words.length === 0 ? null : <p class="attention">{words.join(' ')}</p>;
}

function Age() {
  const { overview } = texts.value;
  const state = latest.value?.state;
  if (state === undefined) return null;
  const age = ageMs.value;
  const { everySeconds } = state;
  return (
    <p>
      <strong>{ageText(age)}</strong>{' '}
      {everySeconds === null ? overview.unscheduled : overview.expected(duration(everySeconds * 1000))}
    </p>
  );
}

/** The clocks of two servers differ by some seconds. */
const TOLERATED_MS = 10_000;

function ageText(ageMs: number | null): string {
  const { overview } = texts.value;
  if (ageMs === null) return overview.noAge;
  return ageMs < -TOLERATED_MS ? overview.ahead(duration(-ageMs)) : overview.age(ago(Math.max(1000, ageMs)));
}
