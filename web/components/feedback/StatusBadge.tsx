import type { RunStatus } from '../../api/answers.ts';
import { texts } from '../../i18n/texts.ts';
import type { IconName } from '../layout/Icon.tsx';
import { Icon } from '../layout/Icon.tsx';

const LOOKS: Readonly<Record<RunStatus, { readonly tone: string; readonly icon: IconName }>> = {
  queued: { tone: 'plain', icon: 'queue' },
  running: { tone: 'info', icon: 'sync' },
  success: { tone: 'ok', icon: 'check' },
  partial: { tone: 'warn', icon: 'alert' },
  failed: { tone: 'bad', icon: 'cross' },
  skipped: { tone: 'plain', icon: 'skip' },
};

/** How a run ended, or where it is: in colour, in words and by an icon. */
export function StatusBadge({ status }: { readonly status: RunStatus }) {
  const { tone, icon } = LOOKS[status];
  return (
    <span class={`badge ${tone}`}>
      <Icon name={icon} />
      {texts.value.runs.statuses[status]}
    </span>
  );
}
