import { type FieldDefinition, isStored, isX2many, type OdooVersion } from './fields.ts';

/** What `fields_get` answers for one field. Attributes as seen on 14.0 and 19.0. */
export function describeField(name: string, field: FieldDefinition, version: OdooVersion) {
  const stored = isStored(field);
  const sortable = stored && !isX2many(field) && field.type !== 'binary';
  return {
    type: field.type,
    change_default: false,
    company_dependent: false,
    depends: [],
    manual: false,
    readonly: field.readonly === true || !stored,
    required: field.required === true,
    searchable: stored || (name === 'display_name' && version === '19.0'),
    sortable,
    store: stored,
    string: field.string,
    ...(version === '19.0' && {
      name,
      default_export_compatible: false,
      exportable: true,
      groupable: sortable,
    }),
    ...typed(field, version),
  };
}

function typed(field: FieldDefinition, version: OdooVersion): Record<string, unknown> {
  switch (field.type) {
    case 'many2one':
    case 'many2many':
    case 'one2many':
      return {
        relation: field.relation,
        domain: [],
        context: {},
        ...(field.relation_field !== undefined && { relation_field: field.relation_field }),
      };
    case 'selection':
    case 'reference':
      return { selection: field.selection ?? [] };
    case 'float':
      return field.digits === undefined ? {} : { digits: field.digits };
    case 'monetary':
      return { currency_field: field.currency_field ?? 'currency_id' };
    case 'binary':
      return { attachment: true };
    case 'many2one_reference':
      return version === '19.0' ? { model_field: field.model_field } : {};
    case 'char':
      return { translate: false, trim: true };
    case 'text':
      return { translate: false };
    case 'html':
      return { translate: false, sanitize: true };
    default:
      return {};
  }
}
