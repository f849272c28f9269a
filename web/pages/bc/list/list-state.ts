import type { Field, Model } from '../../../api/answers.ts';
import type { Query } from '../../../api/endpoints.ts';
import { documentsHref } from '../../../router.ts';
import { boundsOf, type Filter, type Operator } from './local-days.ts';

/** The state of the list. All of it is in the page's address, so that the address can be shared. */
export interface ListState {
  readonly q: string;
  readonly partner: string;
  readonly state: string;
  readonly archived: 'exclude' | 'include' | 'only';
  /** A field or `odoo_id`; a leading `-` turns it round. */
  readonly sort: string;
  readonly filters: readonly Filter[];
}

export const ARCHIVED = ['exclude', 'include', 'only'] as const;
const OPERATORS = [
  ...(['eq', 'ne', 'gt', 'gte', 'lt', 'lte', 'in', 'like', 'null'] as const),
] satisfies Operator[];
const NEWEST_FIRST = '-odoo_id';

export function readListState(query: URLSearchParams): ListState {
  return {
    q: query.get('q') ?? '',
    partner: query.get('partner') ?? '',
    state: query.get('state') ?? '',
    archived: ARCHIVED.find((one) => one === query.get('archived')) ?? 'exclude',
    sort: query.get('sort') ?? NEWEST_FIRST,
    filters: query.getAll('filter').flatMap(readFilter),
  };
}

/** `amount_total gte 1000`: neither a field's name nor an operator has a blank in it. */
function readFilter(text: string): Filter[] {
  const [, field = '', word, value = ''] = /^(\w+) (\w+) (.*)$/s.exec(text) ?? [];
  const operator = OPERATORS.find((one) => one === word);
  // A filter without a value asks for nothing, and would still look like one.
  return operator === undefined || value.trim() === '' ? [] : [{ field, operator, value }];
}

export function listHref({ q, partner, state, archived, sort, filters }: ListState): string {
  return documentsHref('', {
    ...{ q, partner, state },
    archived: archived === 'exclude' ? '' : archived,
    sort: sort === NEWEST_FIRST ? '' : sort,
    filter: filters.map(({ field, operator, value }) => `${field} ${operator} ${value}`),
  });
}

/** Whether any document may be missing from the list. */
export const isNarrow = ({ q, partner, state, archived, filters }: ListState): boolean =>
  q + partner + state !== '' || archived === 'only' || filters.length > 0;

/** The same as the API is asked for it. Filters on fields that the model does not have are left out. */
export function listQuery(list: ListState, model: Model): Query {
  const partner = partnerField(model)?.name;
  return {
    ...{ q: list.q, archived: list.archived },
    ...(partner !== undefined && { [`filter[${partner}][like]`]: list.partner }),
    ...(stateField(model) !== undefined && { state: list.state }),
    ...Object.fromEntries(model.fields.flatMap((field) => conditionsOn(field, list.filters))),
  };
}

function conditionsOn({ name, type }: Field, filters: readonly Filter[]): [string, string][] {
  const own = filters.filter(({ field }) => field === name);
  const tests =
    type === 'datetime' ? boundsOf(own) : new Map(own.map(({ operator, value }) => [operator, value]));
  return [...tests].map(([operator, value]) => [`filter[${name}][${operator}]`, value]);
}

export const partnerField = ({ fields }: Model): Field | undefined =>
  fields.find(({ type, relation }) => type === 'many2one' && relation === 'res.partner');

export const stateField = ({ fields }: Model): Field | undefined =>
  fields.find(({ name, type }) => name === 'state' && type === 'selection');
