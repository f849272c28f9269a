import type { Field, Line, Model } from '../../../api/answers.ts';
import { linesAt } from '../../../api/endpoints.ts';
import { usePages } from '../../../api/use-pages.ts';
import { GrowingList } from '../../../components/data/GrowingList.tsx';
import { Card } from '../../../components/layout/Card.tsx';
import { TableBox } from '../../../components/layout/TableBox.tsx';
import { texts } from '../../../i18n/texts.ts';
import { OWN } from '../list/columns.ts';
import { isEmpty, isNumeric, words } from '../values.ts';

interface LinesCardProps {
  readonly model: Model;
  readonly id: number;
  /** The time of the BC's last change: opened parts stay open until then. */
  readonly version: string;
  /** Lines that are gone are shown with a BC that is gone. */
  readonly isArchived: boolean;
}

const PER_PAGE = 100;
export function LinesCard({ model, id, version, isArchived }: LinesCardProps) {
  const { bc } = texts.value;
  const archived = isArchived ? 'include' : 'exclude';
  const pages = usePages<Line>((cursor) => linesAt(id, { limit: PER_PAGE, archived, cursor }), id, version);
  return (
    <Card title={bc.lines}>
      <GrowingList of={pages} none={bc.noLines} more={bc.moreLines}>
        {(lines) => <Table model={model} lines={lines} />}
      </GrowingList>
    </Card>
  );
}

function Table({ model, lines }: { readonly model: Model; readonly lines: readonly Line[] }) {
  const { bc, common } = texts.value;
  const fields = columnsOf(model, lines);
  return (
    <TableBox label={bc.linesCaption}>
      <thead>
        <tr>
          <th scope="col">{bc.odooId}</th>
          {fields.map((field) => (
            <th key={field.name} scope="col" class={isNumeric(field) ? 'number' : ''} title={field.name}>
              {field.label}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {lines.map(({ odooId, fields: values }) => (
          <tr key={odooId}>
            <th scope="row">{odooId}</th>
            {fields.map((field) => (
              <td key={field.name} class={isNumeric(field) ? 'number' : 'clip'}>
                {words(field, values[field.name], values) ?? <span class="nothing">{common.none}</span>}
              </td>
            ))}
          </tr>
        ))}
      </tbody>
    </TableBox>
  );
}

/** Fields that any of the lines has a value in; the link to the BC is left out. */
function columnsOf(model: Model, lines: readonly Line[]): Field[] {
  return model.fields.filter(
    (field) =>
      !OWN.has(field.name) &&
      !(field.type === 'many2one' && isLink(field.name, lines)) &&
      lines.some(({ fields }) => !isEmpty(field, fields[field.name])),
  );
}

const isLink = (name: string, lines: readonly Line[]): boolean =>
  lines.every(({ fields, bcOdooId }) => Array.isArray(fields[name]) && fields[name][0] === bcOdooId);
