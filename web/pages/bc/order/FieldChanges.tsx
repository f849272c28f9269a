import type { Field, Model, Values } from '../../../api/answers.ts';
import { texts } from '../../../i18n/texts.ts';
import { OWN } from '../list/columns.ts';
import { words } from '../values.ts';

interface FieldChangesProps {
  readonly changes: Readonly<Record<string, { readonly old: unknown; readonly new: unknown }>>;
  readonly model: Model;
  readonly values: Values;
  /** The model of lines: their changes are listed one by one. */
  readonly without?: string | undefined;
}

/** Fields before and after, side by side. */
export function FieldChanges({ changes, model, values, without }: FieldChangesProps) {
  const { changed } = texts.value.bc;
  const fieldOf = (name: string) => model.fields.find((one) => one.name === name);
  // Every change has these fields.
  const shown = Object.entries(changes).filter(
    ([name]) => !OWN.has(name) && (without === undefined || fieldOf(name)?.relation !== without),
  );
  if (shown.length === 0) return null;
  return (
    <table class="diff">
      <caption class="unseen">{changed.caption}</caption>
      <thead>
        <tr>
          <th scope="col">{changed.field}</th>
          <th scope="col">{changed.old}</th>
          <th scope="col">{changed.new}</th>
        </tr>
      </thead>
      <tbody>
        {shown.map(([name, change]) => {
          const field = fieldOf(name);
          return (
            <tr key={name}>
              <th scope="row" title={name}>
                {field?.label ?? name}
              </th>
              <td>
                <del>{side(field, change.old, values)}</del>
              </td>
              <td>
                <ins>{side(field, change.new, values)}</ins>
              </td>
            </tr>
          );
        })}
      </tbody>
    </table>
  );
}

function side(field: Field | undefined, value: unknown, values: Values) {
  // Ids: how many there are may be the same before and after.
  if (field?.type.endsWith('2many') && Array.isArray(value) && value.length > 0) return value.join(', ');
  return words(field, value, values) ?? <span class="nothing">{texts.value.bc.values.empty}</span>;
}
