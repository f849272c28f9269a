import type { NewModelChange } from '../db/model-changes.ts';
import type { OdooFieldRow } from '../db/schema/model.ts';
import type { OdooFieldDescription, OdooFields } from '../odoo/types.ts';
import { canonicalJson } from './hash.ts';

/** What one description of a model says that another did not. */
export type FieldChangeNoted = Pick<NewModelChange, 'field' | 'kind' | 'old' | 'new' | 'reread'>;

/** What is new against the fields that are kept, by name. A renamed field is one removed and one added. */
export function modelDiff(
  known: readonly Pick<OdooFieldRow, 'name' | 'description'>[],
  after: OdooFields,
): FieldChangeNoted[] {
  const before: OdooFields = Object.fromEntries(known.map(({ name, description }) => [name, description]));
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])].sort();
  return names.flatMap((field): FieldChangeNoted[] => {
    const old = own(before, field);
    const now = own(after, field);
    if (old === undefined && now !== undefined) {
      return [{ field, kind: 'added', old: null, new: now, reread: true }];
    }
    if (old !== undefined && now === undefined) {
      return [{ field, kind: 'removed', old, new: null, reread: true }];
    }
    if (old === undefined || now === undefined || same(settled(old), settled(now))) return [];
    return [{ field, kind: 'changed', old, new: now, reread: !same(content(old), content(now)) }];
  });
}

/** Lists that Odoo makes up at each call may come in any order. */
function settled(field: OdooFieldDescription) {
  return field.selection === undefined
    ? field
    : { ...field, selection: field.selection.map(canonicalJson).sort() };
}

/** What bears on the values of a field. Labels do not, those of a selection's options neither. */
function content(field: OdooFieldDescription) {
  const { type, relation, relation_field, digits, store, company_dependent, selection, mirrored } = field;
  const values = selection?.map((option) => canonicalJson(Array.isArray(option) ? option[0] : option)).sort();
  return { type, relation, relation_field, digits, store, company_dependent, values, mirrored };
}

const same = (left: unknown, right: unknown): boolean => canonicalJson(left) === canonicalJson(right);

const own = (fields: OdooFields, name: string): OdooFieldDescription | undefined =>
  Object.hasOwn(fields, name) ? fields[name] : undefined;
