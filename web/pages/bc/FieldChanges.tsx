import type { Field, Model, Values } from '../../api/answers.ts';
import { texts } from '../../i18n/texts.ts';
import { words } from './values.ts';

interface FieldChangesProps {
  readonly changes: Readonly<Record<string, { readonly old: unknown; readonly new: unknown }>>;
  readonly model: Model;
  readonly values: Values;
}

/** Fields before and after, side by side. */
export function FieldChanges({ changes, model, values }: FieldChangesProps) {
  const { changed } = texts.value.bc;
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
        {Object.entries(changes).map(([name, change]) => {
          const field = model.fields.find((one) => one.name === name);
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
  return words(field, value, values) ?? <span class="nothing">{texts.value.bc.values.empty}</span>;
}
