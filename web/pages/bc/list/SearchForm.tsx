import type { Model } from '../../../api/answers.ts';
import { texts } from '../../../i18n/texts.ts';
import type { ListState } from './list-state.ts';
import { ARCHIVED, partnerField, stateField } from './list-state.ts';

interface SearchFormProps {
  readonly model: Model;
  readonly list: ListState;
  readonly onChange: (changed: Partial<ListState>) => void;
}

const NOTHING = { q: '', partner: '', state: '', archived: 'exclude', filters: [] } as const;

/** The usual searches: a number, a partner, a state. */
export function SearchForm({ model, list, onChange }: SearchFormProps) {
  const { bc } = texts.value;
  const partner = partnerField(model);
  const submit = (event: SubmitEvent & { readonly currentTarget: HTMLFormElement }) => {
    event.preventDefault();
    const given = new FormData(event.currentTarget);
    const text = (name: string) => String(given.get(name) ?? '').trim();
    onChange({ q: text('q'), partner: text('partner') });
  };
  return (
    <search>
      <form class="filters" onSubmit={submit}>
        <label class="field grows">
          {bc.search}
          <input type="search" name="q" maxLength={200} defaultValue={list.q} />
        </label>
        {partner !== undefined && (
          <label class="field grows">
            {bc.partner(partner.label)}
            <input type="search" name="partner" maxLength={200} defaultValue={list.partner} />
          </label>
        )}
        <Choices model={model} list={list} onChange={onChange} />
        <div class="buttons">
          <button type="submit" class="primary">
            {bc.find}
          </button>
          <button type="button" onClick={() => onChange(NOTHING)}>
            {bc.reset}
          </button>
        </div>
      </form>
    </search>
  );
}

function Choices({ model, list, onChange }: SearchFormProps) {
  const { bc } = texts.value;
  const state = stateField(model);
  return (
    <>
      {state !== undefined && (
        <label class="field">
          {state.label}
          <select
            value={list.state}
            onChange={({ currentTarget }) => onChange({ state: currentTarget.value })}
          >
            <option value="">{bc.any}</option>
            {(state.selection ?? []).map(([value, label]) => (
              <option key={value} value={value}>
                {label}
              </option>
            ))}
          </select>
        </label>
      )}
      <label class="field">
        {bc.archivedLabel}
        <select
          value={list.archived}
          onChange={({ currentTarget }) =>
            onChange({ archived: ARCHIVED.find((one) => one === currentTarget.value) ?? 'exclude' })
          }
        >
          {ARCHIVED.map((one) => (
            <option key={one} value={one}>
              {bc.archivedChoices[one]}
            </option>
          ))}
        </select>
      </label>
    </>
  );
}
