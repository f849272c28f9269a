import type { Model } from '../../../api/answers.ts';
import { texts } from '../../../i18n/texts.ts';
import { listable } from './columns.ts';

interface ColumnChooserProps {
  readonly model: Model;
  readonly chosen: readonly string[];
  /** Null: the default. */
  readonly onChoose: (names: readonly string[] | null) => void;
}

/** Which fields the list shows, in the order they were chosen in. */
export function ColumnChooser({ model, chosen, onChoose }: ColumnChooserProps) {
  const { bc } = texts.value;
  const toggle = (name: string, isOn: boolean) =>
    onChoose(isOn ? [...chosen, name] : chosen.filter((one) => one !== name));
  return (
    <details class="popup">
      <summary>{bc.columns}</summary>
      <div class="popup-body">
        <p class="quiet">{bc.columnsHint}</p>
        <fieldset class="checks">
          <legend class="unseen">{bc.columns}</legend>
          {listable(model).map(({ name, label }) => (
            <label key={name} title={name}>
              <input
                type="checkbox"
                checked={chosen.includes(name)}
                // A list without columns would show nothing but ids.
                disabled={chosen.length === 1 && chosen.includes(name)}
                onChange={({ currentTarget }) => toggle(name, currentTarget.checked)}
              />
              {label}
            </label>
          ))}
        </fieldset>
        <button type="button" onClick={() => onChoose(null)}>
          {bc.columnsDefault}
        </button>
      </div>
    </details>
  );
}
