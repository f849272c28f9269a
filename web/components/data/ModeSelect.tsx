import type { RunMode } from '../../api/answers.ts';
import { texts } from '../../i18n/texts.ts';

const MODES = ['incremental', 'full', 'sweep', 'single'] as const satisfies readonly RunMode[];

interface ModeSelectProps {
  readonly value: RunMode | '';
  readonly onChoose: (mode: RunMode | '') => void;
}

/** Which runs are shown. */
export function ModeSelect({ value, onChoose }: ModeSelectProps) {
  const { runs } = texts.value;
  return (
    <label class="field">
      {runs.filterMode}
      <select
        value={value}
        onChange={({ currentTarget }) => onChoose(MODES.find((one) => one === currentTarget.value) ?? '')}
      >
        <option value="">{runs.all}</option>
        {MODES.map((mode) => (
          <option key={mode} value={mode}>
            {runs.modes[mode]}
          </option>
        ))}
      </select>
    </label>
  );
}
