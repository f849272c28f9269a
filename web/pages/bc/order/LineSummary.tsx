import type { Model, Values } from '../../../api/answers.ts';
import { Icon } from '../../../components/layout/Icon.tsx';
import { texts } from '../../../i18n/texts.ts';
import { OWN } from '../list/columns.ts';
import { idOf, isEmpty, words } from '../values.ts';

interface LineSummaryProps {
  /** As the audit trail has it. */
  readonly line: unknown;
  readonly model: Model;
  /** The BC's own, for the currency of its amounts. */
  readonly values: Values;
  readonly sign: 'added' | 'removed';
  /** The model that lines point at: whose lines they are is known. */
  readonly without: string;
}

/** The fields that distinguish lines at a glance; the table of lines has all of them. */
const TOLD: ReadonlySet<string> = new Set([
  'char',
  'text',
  'integer',
  'float',
  'monetary',
  'selection',
  'many2one',
]);
const LEFT_OUT = new Set([...OWN, 'currency_id', 'sequence']);
const MOST = 6;

/** A line that came or went. */
export function LineSummary({ line, model, values, sign, without }: LineSummaryProps) {
  const { changed } = texts.value.bc;
  const record: Values = typeof line === 'object' && line !== null ? { ...line } : {};
  const shown = model.fields
    .filter(({ name, type, relation }) => TOLD.has(type) && !LEFT_OUT.has(name) && relation !== without)
    .filter((field) => !isEmpty(field, record[field.name]))
    .slice(0, MOST);
  const id = idOf(line);
  return (
    <div class={`line-change ${sign}`}>
      <h4>
        <Icon name={sign === 'added' ? 'plus' : 'minus'} />
        {sign === 'added' ? changed.lineAdded(id) : changed.lineRemoved(id)}
      </h4>
      {shown.length > 0 && (
        <p>
          {shown.map((field, at) => (
            <span key={field.name}>
              {at > 0 && ' · '}
              <span class="quiet">{field.label}</span>{' '}
              {words(field, record[field.name], { ...values, ...record })}
            </span>
          ))}
        </p>
      )}
    </div>
  );
}
