import type { FieldDefinition, TrytonVersion } from './fields.ts';
import type { Store } from './store.ts';
import type { Dictionary, Value } from './values.ts';

const LAZY = new Set(['one2many', 'many2many', 'binary', 'reference', 'text']);
const RELATIONS = new Set(['many2one', 'one2many', 'many2many']);

/** `fields_get`: of all fields, or of those named; names that are no fields are passed over. */
export function describeFields(store: Store, model: string, names: readonly string[] | null): Dictionary {
  const { fields } = store.table(model);
  const asked = names === null || names.length === 0 ? [...fields.keys()] : names;
  const found = asked.flatMap((name) => {
    const field = fields.get(name);
    return field ? [[name, describe(store.version, name, field)] as const] : [];
  });
  return Object.fromEntries(found);
}

function describe(version: TrytonVersion, name: string, field: FieldDefinition): Dictionary {
  return version === '5.0' ? old(name, field) : modern(version, name, field);
}

function modern(version: TrytonVersion, name: string, field: FieldDefinition): Dictionary {
  const isLazy = field.compute !== undefined || LAZY.has(field.type);
  return {
    context: '{}',
    loading: isLazy ? 'lazy' : 'eager',
    name,
    ...(version === '6.0' && { depends: field.states?.includes('"active"') ? ['active'] : [] }),
    on_change: [],
    on_change_with: [],
    readonly: field.readonly ?? false,
    required: field.required ?? false,
    states: field.states ?? '{}',
    type: field.type,
    domain: '[]',
    searchable: field.compute === undefined && field.type !== 'binary',
    sortable: field.compute === undefined && field.type !== 'one2many',
    string: field.string,
    help: field.help ?? '',
    ...ofType(version, field),
    create: true,
    delete: true,
  };
}

function old(name: string, field: FieldDefinition): Dictionary {
  return {
    type: field.type,
    name,
    string: field.string,
    readonly: field.readonly ?? false,
    states: field.states ?? '{}',
    required: field.required ?? false,
    help: field.help ?? '',
    select: false,
    on_change: [],
    on_change_with: [],
    loading: field.compute !== undefined || LAZY.has(field.type) ? 'lazy' : 'eager',
    domain: '[]',
    searchable: field.compute === undefined && field.type !== 'binary',
    ...ofType('5.0', field),
    ...(RELATIONS.has(field.type) && { context: '{}', create: true, delete: true }),
  };
}

function ofType(version: TrytonVersion, field: FieldDefinition): Dictionary {
  const isOld = version === '5.0';
  const search: Dictionary = isOld
    ? { search_context: '{}' }
    : { datetime_field: null, search_context: '{}', search_order: 'null' };
  switch (field.type) {
    case 'char':
      return { translate: false, autocomplete: [], ...(version === '7.0' && { strip: true }) };
    case 'text':
      return { translate: false };
    case 'numeric':
    case 'float':
      return { digits: field.digits ? `[${field.digits.join(', ')}]` : null };
    case 'selection':
      return choices(isOld, field.selection ?? []);
    case 'reference':
      return { ...choices(isOld, []), ...search };
    case 'timestamp':
      return { format: '"%H:%M:%S.%f"' };
    case 'many2one':
      return { relation: field.relation ?? '', ...search };
    case 'one2many':
    case 'many2many':
      return {
        relation: field.relation ?? '',
        relation_field: field.relationField ?? null,
        ...search,
        ...(isOld ? { sortable: false } : { order: null }),
      };
    default:
      return {};
  }
}

const choices = (isOld: boolean, selection: Value): Dictionary => ({
  selection,
  selection_change_with: [],
  sort: true,
  ...(!isOld && { help_selection: null }),
});
