import { useState } from 'preact/hooks';
import type { Model } from '../../../api/answers.ts';
import { addressOf } from '../../../api/client.ts';
import { documentsAt, exportAt } from '../../../api/endpoints.ts';
import { useAnswer } from '../../../api/use-answer.ts';
import { Pager } from '../../../components/data/Pager.tsx';
import { useCursors } from '../../../components/data/use-cursors.ts';
import { Loadable } from '../../../components/feedback/Loadable.tsx';
import { Icon } from '../../../components/layout/Icon.tsx';
import { texts } from '../../../i18n/texts.ts';
import { go, place } from '../../../router.ts';
import { language } from '../../../settings/language.ts';
import { BcTable } from './BcTable.tsx';
import { ColumnChooser } from './ColumnChooser.tsx';
import { keepColumns, readColumns } from './columns.ts';
import { FilterEditor } from './FilterEditor.tsx';
import type { ListState } from './list-state.ts';
import { isNarrow, listHref, listQuery, readListState } from './list-state.ts';
import { SearchForm } from './SearchForm.tsx';

const PER_PAGE = 50;

/** The format that a spreadsheet of that language opens by a double click. */
const SPREADSHEET = {
  fr: { format: 'csv', bom: 'true', delimiter: 'semicolon', decimal: 'comma' },
  en: { format: 'csv', bom: 'true' },
} as const;

/** The list with what decides on it. */
export function BcBrowser({ model }: { readonly model: Model }) {
  const { bc } = texts.value;
  const list = readListState(place.value.query);
  const [columns, setColumns] = useState(() => readColumns(model));
  const asked = listQuery(list, model);
  const { cursor, pager } = useCursors(JSON.stringify([asked, list.sort]));
  const fields = [...new Set([...columns, ...currencyOf(model)])].join();
  const page = { ...asked, sort: list.sort, limit: PER_PAGE, count: 'exact', fields, cursor };
  const loaded = useAnswer(documentsAt(page));
  const change = (changed: Partial<ListState>) => go(listHref({ ...list, ...changed }), 'replace');
  const chooseColumns = (names: readonly string[] | null) => {
    keepColumns(model, names);
    setColumns(readColumns(model));
  };
  const file = addressOf(exportAt({ ...asked, ...SPREADSHEET[language.value], fields: columns.join() }));
  return (
    <>
      <SearchForm key={place.value.query.toString()} model={model} list={list} onChange={change} />
      {/* A mirror that never ran has no fields yet. */}
      {model.fields.length > 0 && (
        <div class="tools">
          <FilterEditor model={model} filters={list.filters} onChange={(filters) => change({ filters })} />
          <ColumnChooser model={model} chosen={columns} onChoose={chooseColumns} />
          <a class="button" href={file} download title={bc.exportHint}>
            <Icon name="download" /> {bc.export}
          </a>
        </div>
      )}
      <Loadable of={loaded}>
        {({ items, nextCursor, total }) => (
          <>
            <p class="quiet" role="status">
              {items.length === 0
                ? isNarrow(list)
                  ? bc.none
                  : bc.noneAtAll
                : total !== undefined && bc.total(total)}
            </p>
            {items.length > 0 && (
              <BcTable
                model={model}
                columns={columns}
                items={items}
                sort={list.sort}
                onSort={(sort) => change({ sort })}
              />
            )}
            <Pager {...pager(nextCursor, loaded.stale)} />
          </>
        )}
      </Loadable>
    </>
  );
}

/** Amounts are shown with their currency, whether its column is or not. */
const currencyOf = (model: Model): string[] =>
  model.fields.some(({ name }) => name === 'currency_id') ? ['currency_id'] : [];
