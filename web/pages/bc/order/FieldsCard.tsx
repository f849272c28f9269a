import { useState } from 'preact/hooks';
import type { Field, Model, Values } from '../../../api/answers.ts';
import { Card } from '../../../components/layout/Card.tsx';
import { texts } from '../../../i18n/texts.ts';
import { inOrder } from '../list/columns.ts';
import { isEmpty, words } from '../values.ts';

interface FieldsCardProps {
  readonly model: Model;
  readonly values: Values;
}

/** The fields of the header, by the labels people know them by in Odoo. */
export function FieldsCard({ model, values }: FieldsCardProps) {
  const { bc } = texts.value;
  const [isFull, setFull] = useState(false);
  const shown = inOrder(model.fields.filter((field) => isFull || !isEmpty(field, values[field.name])));
  return (
    <Card
      title={bc.fields}
      aside={
        <button type="button" aria-pressed={isFull} onClick={() => setFull(!isFull)}>
          {isFull ? bc.emptyHide : bc.empty}
        </button>
      }
    >
      <dl class="facts wide">
        {shown.map((field) => (
          <div key={field.name}>
            <dt title={field.name}>{field.label}</dt>
            <dd>
              <FieldValue field={field} values={values} />
            </dd>
          </div>
        ))}
      </dl>
    </Card>
  );
}

function FieldValue({ field, values }: { readonly field: Field; readonly values: Values }) {
  const { bc, common } = texts.value;
  if (field.type === 'binary') return <span class="nothing">{bc.values.fileNotShown}</span>;
  return <>{words(field, values[field.name], values) ?? <span class="nothing">{common.none}</span>}</>;
}
