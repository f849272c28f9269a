import { useState } from 'preact/hooks';
import type { Field, Model } from '../../../api/answers.ts';
import { Icon } from '../../../components/layout/Icon.tsx';
import { texts } from '../../../i18n/texts.ts';
import { inOrder } from './columns.ts';
import { FilterValue } from './FilterValue.tsx';
import { type Filter, type Operator, operatorsOf } from './local-days.ts';

interface FilterEditorProps {
  readonly model: Model;
  readonly filters: readonly Filter[];
  readonly onChange: (filters: readonly Filter[]) => void;
}

/** Filters on any field, by the operators that the model says it has. */
export function FilterEditor({ model, filters, onChange }: FilterEditorProps) {
  const { bc } = texts.value;
  const labelOf = (name: string) => model.fields.find((field) => field.name === name)?.label ?? name;
  return (
    <details class="popup" open={filters.length > 0}>
      <summary>
        {bc.filters}
        {filters.length > 0 && <span class="count">{filters.length}</span>}
      </summary>
      <div class="popup-body">
        <ul class="chips">
          {filters.map((filter) => (
            <li key={`${filter.field} ${filter.operator} ${filter.value}`}>
              {labelOf(filter.field)} {bc.operators[filter.operator]}{' '}
              {filter.operator !== 'null' && filter.value}
              <button
                type="button"
                aria-label={bc.removeFilter(labelOf(filter.field))}
                onClick={() => onChange(filters.filter((one) => one !== filter))}
              >
                <Icon name="cross" />
              </button>
            </li>
          ))}
        </ul>
        <NewFilter
          fields={inOrder(model.fields.filter((field) => operatorsOf(field).length > 0))}
          onAdd={(added) => onChange([...filters.filter((one) => !isSame(one, added)), added])}
        />
      </div>
    </details>
  );
}

/** One field and operator has one value. */
const isSame = (one: Filter, other: Filter): boolean =>
  one.field === other.field && one.operator === other.operator;

interface NewFilterProps {
  readonly fields: readonly Field[];
  readonly onAdd: (filter: Filter) => void;
}

function NewFilter({ fields, onAdd }: NewFilterProps) {
  const { bc } = texts.value;
  const [name, setName] = useState(fields[0]?.name ?? '');
  const field = fields.find((one) => one.name === name);
  const [word, setWord] = useState<Operator>('eq');
  const operators = field === undefined ? [] : operatorsOf(field);
  const operator = operators.includes(word) ? word : (operators[0] ?? 'eq');
  const [value, setValue] = useState('');
  return (
    <form
      class="filters"
      onSubmit={(event) => {
        event.preventDefault();
        onAdd({ field: name, operator, value: operator === 'null' ? 'true' : value.trim() });
        setValue('');
      }}
    >
      <label class="field">
        {bc.filterField}
        <select value={name} onChange={({ currentTarget }) => setName(currentTarget.value)}>
          {fields.map((one) => (
            <option key={one.name} value={one.name}>
              {one.label}
            </option>
          ))}
        </select>
      </label>
      <label class="field">
        {bc.filterOperator}
        <select
          value={operator}
          onChange={({ currentTarget }) =>
            setWord(operators.find((one) => one === currentTarget.value) ?? 'eq')
          }
        >
          {operators.map((one) => (
            <option key={one} value={one}>
              {bc.operators[one]}
            </option>
          ))}
        </select>
      </label>
      {operator !== 'null' && (
        <FilterValue field={field} operator={operator} value={value} onInput={setValue} />
      )}
      <button type="submit">
        <Icon name="plus" /> {bc.addFilter}
      </button>
    </form>
  );
}
