import type { ModelChange } from '../../api/answers.ts';
import { modelAt } from '../../api/endpoints.ts';
import { useAnswer } from '../../api/use-answer.ts';
import { Ago } from '../../components/data/Moment.tsx';
import { Loadable } from '../../components/feedback/Loadable.tsx';
import { Card } from '../../components/layout/Card.tsx';
import { TableBox } from '../../components/layout/TableBox.tsx';
import { texts } from '../../i18n/texts.ts';
import { epoch } from '../../live/mirror.ts';

const SHOWN = 8;

/** How Odoo's model changed lately. */
export function ModelCard() {
  const { model } = texts.value.overview;
  const loaded = useAnswer(modelAt(), epoch.value);
  return (
    <Card title={model.title}>
      <Loadable of={loaded}>
        {({ items }) =>
          items.length === 0 ? (
            <p class="quiet">{model.none}</p>
          ) : (
            <TableBox label={model.caption}>
              <thead>
                <tr>
                  <th scope="col">{model.columns.field}</th>
                  <th scope="col">{model.columns.what}</th>
                  <th scope="col">{model.columns.when}</th>
                </tr>
              </thead>
              <tbody>
                {items.slice(0, SHOWN).map((change) => (
                  <Row key={change.id} of={change} />
                ))}
              </tbody>
            </TableBox>
          )
        }
      </Loadable>
    </Card>
  );
}

function Row({ of: { model: name, field, kind, reread, at } }: { readonly of: ModelChange }) {
  const { model } = texts.value.overview;
  return (
    <tr>
      <th scope="row">
        <code>{kind === 'reader' ? name : `${name}.${field}`}</code>
      </th>
      <td>
        {model.kinds[kind]}
        {reread && ` · ${model.reread}`}
      </td>
      <td>
        <Ago at={at} />
      </td>
    </tr>
  );
}
