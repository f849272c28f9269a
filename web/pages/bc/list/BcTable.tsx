import type { Document, Field, Model } from '../../../api/answers.ts';
import { Icon } from '../../../components/layout/Icon.tsx';
import { Link } from '../../../components/layout/Link.tsx';
import { TableBox } from '../../../components/layout/TableBox.tsx';
import { texts } from '../../../i18n/texts.ts';
import { documentsHref } from '../../../router.ts';
import { isNumeric, words } from '../values.ts';

interface BcTableProps {
  readonly model: Model;
  readonly columns: readonly string[];
  readonly items: readonly Document[];
  /** As `ListState` has it. */
  readonly sort: string;
  readonly onSort: (sort: string) => void;
}

export function BcTable({ model, columns, items, sort, onSort }: BcTableProps) {
  const { bc } = texts.value;
  const fields = columns.flatMap((name) => model.fields.find((field) => field.name === name) ?? []);
  return (
    <TableBox label={bc.caption}>
      <thead>
        <tr>
          <Heading name="odoo_id" label={bc.odooId} sort={sort} onSort={onSort} />
          {fields.map((field) => (
            <Heading
              key={field.name}
              name={field.name}
              label={field.label}
              sort={sort}
              onSort={field.sortable ? onSort : null}
              isNumber={isNumeric(field)}
            />
          ))}
        </tr>
      </thead>
      <tbody>
        {items.map((item) => (
          <Row key={item.odooId} of={item} fields={fields} />
        ))}
      </tbody>
    </TableBox>
  );
}

interface HeadingProps {
  readonly name: string;
  readonly label: string;
  readonly sort: string;
  /** Null: nothing is sorted by it. */
  readonly onSort: ((sort: string) => void) | null;
  readonly isNumber?: boolean;
}

function Heading({ name, label, sort, onSort, isNumber = false }: HeadingProps) {
  const order = sort === name ? 'ascending' : sort === `-${name}` ? 'descending' : undefined;
  const next = order === 'ascending' ? `-${name}` : name;
  return (
    <th scope="col" class={isNumber ? 'number' : ''} aria-sort={order}>
      {onSort === null ? (
        label
      ) : (
        <button
          type="button"
          class="sort"
          title={texts.value.bc.sortedBy(label)}
          onClick={() => onSort(next)}
        >
          {label}
          {order !== undefined && <Icon name={order === 'ascending' ? 'up' : 'down'} />}
        </button>
      )}
    </th>
  );
}

function archivedText(reason: string | null): string {
  const { bc } = texts.value;
  if (reason === 'erased') return bc.erased;
  return reason === 'out_of_scope' ? bc.outOfScope : bc.gone;
}

function Row({ of: { odooId, fields: values, archivedAt, archiveReason }, fields }: RowProps) {
  const { common } = texts.value;
  return (
    <tr class={archivedAt === null ? '' : 'gone'}>
      <th scope="row">
        <Link to={documentsHref(`/${odooId}`)}>{odooId}</Link>
        {archivedAt !== null && <span class="badge plain">{archivedText(archiveReason)}</span>}
      </th>
      {fields.map((field) => (
        <td key={field.name} class={isNumeric(field) ? 'number' : 'clip'}>
          {words(field, values[field.name], values) ?? <span class="nothing">{common.none}</span>}
        </td>
      ))}
    </tr>
  );
}

interface RowProps {
  readonly of: Document;
  readonly fields: readonly Field[];
}
