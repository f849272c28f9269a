import type { OdooFieldRow } from '../schema/model.ts';

/**
 * The changes of a value that may leave the `write_date` of its record as it is:
 *
 * - `name`: another name of the record that a many2one refers to;
 * - `links`: a record that another model adds to an x2many, or removes from it;
 * - `computed`: Odoo computes the value whenever it is read, or takes it from another record;
 * - `company`: the value of another company, or the default;
 * - `definition`: the definition of the properties, which another record holds;
 * - `translation`: a translated term that is edited apart from the record.
 */
export const UNSEEN_CHANGES = ['name', 'links', 'computed', 'company', 'definition', 'translation'] as const;
export type UnseenChange = (typeof UNSEEN_CHANGES)[number];

type Field = Pick<OdooFieldRow, 'name' | 'type' | 'relation' | 'description'>;

/** The fields that link header and lines, by name. They change with a `write_date` that runs compare. */
export interface DocumentLinks {
  readonly header: ReadonlySet<string>;
  readonly line: ReadonlySet<string>;
}

export function documentLinks(header: readonly Field[], lineModel: string): DocumentLinks {
  const lists = header.filter(({ type, relation }) => type === 'one2many' && relation === lineModel);
  return {
    header: new Set(lists.map(({ name }) => name)),
    line: new Set(lists.flatMap(({ description: { relation_field: inverse } }) => inverse ?? [])),
  };
}

/** Empty: each change of the field moves the `write_date` of its record. */
export function unseenChanges(
  { name, type, description }: Field,
  links: ReadonlySet<string>,
): UnseenChange[] {
  const { store, company_dependent: ofCompany, translate } = description;
  const isLink = links.has(name);
  const reasons: Record<UnseenChange, boolean> = {
    name: type === 'many2one' && !isLink,
    links: (type === 'one2many' || type === 'many2many') && !isLink,
    // Before 18.0, Odoo computes values that depend on the company.
    computed: store === false && ofCompany !== true,
    company: ofCompany === true,
    definition: type === 'properties',
    translation: translate === true,
  };
  return UNSEEN_CHANGES.filter((reason) => reasons[reason]);
}
