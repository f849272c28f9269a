import { useId } from 'preact/hooks';
import type { Field } from '../../../api/answers.ts';
import { texts } from '../../../i18n/texts.ts';
import type { Operator } from './local-days.ts';

interface FilterValueProps {
  readonly field: Field | undefined;
  readonly operator: Operator;
  readonly value: string;
  readonly onInput: (value: string) => void;
}

const DATES: ReadonlySet<string | undefined> = new Set(['date', 'datetime']);

/** The value of a new filter: chosen where the field says from what, else written. */
export function FilterValue({ field, operator, value, onInput }: FilterValueProps) {
  const { bc, common } = texts.value;
  const id = useId();
  const isWritten = operator === 'in' || operator === 'like';
  const choices = isWritten ? null : choicesOf(field, common.yes, common.no);
  const input = { id, value, required: true };
  const write = ({ currentTarget }: { readonly currentTarget: HTMLInputElement }) =>
    onInput(currentTarget.value);
  return (
    <div class="field">
      <label for={id}>{bc.filterValue}</label>
      {choices !== null && (
        <select {...input} onChange={({ currentTarget }) => onInput(currentTarget.value)}>
          <option value="" />
          {choices.map(([one, label]) => (
            <option key={one} value={one}>
              {label}
            </option>
          ))}
        </select>
      )}
      {choices === null && !isWritten && DATES.has(field?.type) && (
        <input {...input} type="date" onInput={write} />
      )}
      {choices === null && (isWritten || !DATES.has(field?.type)) && (
        <input {...input} type="text" pattern=".*\S.*" maxLength={200} onInput={write} />
      )}
    </div>
  );
}

function choicesOf(field: Field | undefined, yes: string, no: string) {
  if (field?.type !== 'boolean') return field?.selection ?? null;
  return [
    ['true', yes],
    ['false', no],
  ] as const;
}
