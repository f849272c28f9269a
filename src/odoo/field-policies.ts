import { createHmac } from 'node:crypto';
import { canonicalJson } from '../shared/canonical-json.ts';
import { PasserelleError } from '../shared/errors.ts';
import { Unstorable, unstorableIn } from './decoding/text.ts';
import type { FieldPolicy, OdooFieldDescription, OdooFields, OdooRecord, OdooValue } from './types.ts';

/**
 * The configuration hashes or masks a field whose type does not allow it. No record was read.
 *
 * @fix Remove the field from `hash` or `mask` in the file of MIRRORS_FILE, or put it into `drop`. Set FIELD_HASH_KEY if
 * the message names it. Then restart the workers.
 */
export class FieldPolicyError extends PasserelleError {
  readonly code = 'bad_field_policy';
  constructor(model: string, problems: readonly string[]) {
    super(`The fields of ${model} cannot be read with the configured policies. ${problems.join(' ')}`);
  }
}

/** The policies of a mirror. */
export interface Policies {
  /** The policy of a field of header or lines; undefined: none. A field that is omitted is not read at all. */
  readonly policyOf: (field: string) => Exclude<FieldPolicy, 'omit'> | undefined;
  /**
   * The policy of the names of records of a model, for many2one fields that refer to it. Another mirror may hide `name`
   * or `display_name` of that model.
   */
  readonly labelPolicyOf: (model: string) => FieldPolicy | undefined;
  /** FIELD_HASH_KEY; null: no field is hashed. */
  readonly hashKey: string | null;
}

/** The engine compares these fields with those of Odoo. */
const NEVER_HIDDEN: readonly string[] = ['id', 'write_date', 'create_date'];

/** Ids, contents and yes or no: a hash of them is of no use, or the engine needs them. */
const UNHIDEABLE_TYPES: readonly string[] = ['binary', 'one2many', 'many2many', 'boolean'];
const MASKABLE_TYPES: readonly string[] = ['char', 'text', 'html', 'many2one'];

/** One sentence for each field with a policy that does not fit it; empty if all fit. */
export function policyProblems(fields: OdooFields, policies: Policies): string[] {
  return Object.values(fields).flatMap((field) => problemOf(field, policies) ?? []);
}

function problemOf(field: OdooFieldDescription, policies: Policies): string | null {
  const { name, type } = field;
  const policy = effectivePolicy(field, policies);
  if (policy === undefined || policy === 'omit') return null;
  const verb = policy === 'hash' ? 'hashed' : 'masked';
  if (NEVER_HIDDEN.includes(name)) return `${name} cannot be ${verb}, because the mirror needs it.`;
  if (UNHIDEABLE_TYPES.includes(type)) return `${name} cannot be ${verb}, because its type is ${type}.`;
  if (policy === 'mask' && !MASKABLE_TYPES.includes(type))
    return `${name} cannot be masked, because its type is ${type} and not a text. Hash it instead.`;
  if (policy === 'hash' && policies.hashKey === null)
    return `${name} cannot be hashed, because FIELD_HASH_KEY is not set.`;
  return null;
}

/** The policy of the field, or that of the names of the records that it refers to. */
function effectivePolicy(
  { name, type, relation }: OdooFieldDescription,
  { policyOf, labelPolicyOf }: Policies,
): FieldPolicy | undefined {
  const own = policyOf(name);
  if (own !== undefined || type !== 'many2one' || relation === undefined) return own;
  return labelPolicyOf(relation);
}

/** The description of a field as the mirror stores it. A hash is a text, whatever the type of the value was. */
export function withPolicy(field: OdooFieldDescription, policies: Policies): OdooFieldDescription {
  const policy = effectivePolicy(field, policies);
  if (policy === undefined) return field;
  if (policy !== 'hash') return { ...field, policy };
  const { hashKey } = policies;
  const keyId = hashKey === null ? {} : { keyId: fingerprint(hashKey) };
  if (field.type === 'many2one') return { ...field, policy, ...keyId };
  const { relation: _, relation_field: __, selection: ___, digits: ____, ...kept } = field;
  return { ...kept, type: 'char', policy, ...keyId };
}

/** Enough to notice another key. Too short to search for the key with it. */
const FINGERPRINT_DIGITS = 12;

/** Distinguishes keys without showing them. */
function fingerprint(key: string): string {
  const digest = createHmac('sha256', key).update('fingerprint of FIELD_HASH_KEY').digest('hex');
  return digest.slice(0, FINGERPRINT_DIGITS);
}

/** Hides the values of a record. */
export type Redaction = (record: OdooRecord) => OdooRecord;

/** Null: no field has a policy. */
export function redactionOf(fields: OdooFields, { hashKey }: Pick<Policies, 'hashKey'>): Redaction | null {
  return redaction(
    Object.values(fields).flatMap((field) => {
      const hide = hidingOf(field, hashKey);
      return hide === null ? [] : [{ name: field.name, hide }];
    }),
  );
}

/** Ids of records, by model. */
export type RecordIds = ReadonlyMap<string, ReadonlySet<number>>;

/** Drops the labels that refer to these records. Null: no field refers to their models. */
export function labelRemoval(fields: OdooFields, erased: RecordIds): Redaction | null {
  return redaction(
    Object.values(fields).flatMap((field) => {
      const hide = labelHiding(field, erased);
      return hide === null ? [] : [{ name: field.name, hide }];
    }),
  );
}

function redaction(hidden: readonly { readonly name: string; readonly hide: HideValue }[]): Redaction | null {
  if (hidden.length === 0) return null;
  return (record) => {
    const changed: Record<string, OdooValue> = {};
    for (const { name, hide } of hidden) {
      const value = record[name];
      if (value !== undefined) changed[name] = hide(value);
    }
    return { ...record, ...changed };
  };
}

/** Hides one value of a field. */
export type HideValue = (value: OdooValue) => OdooValue;

/** How the policy of a field hides its values, or its labels; null: it has no policy. */
export function hidingOf(
  { type, policy }: Pick<OdooFieldDescription, 'type' | 'policy'>,
  hashKey: string | null,
): HideValue | null {
  if (policy === undefined) return null;
  const hide = hiding(policy, hashKey);
  return type === 'many2one' ? (value) => withHiddenLabel(value, hide) : hide;
}

/** How a field loses the labels of these records; null: it never refers to their models. */
export function labelHiding(
  { type, relation }: Pick<OdooFieldDescription, 'type' | 'relation'>,
  erased: RecordIds,
): HideValue | null {
  if (type === 'properties') return (value) => withoutLabelsIn(value, erased);
  const ids = type === 'many2one' && relation !== undefined ? erased.get(relation) : undefined;
  return ids === undefined ? null : (value) => withoutLabelOf(value, ids);
}

function withoutLabelOf(value: OdooValue, ids: ReadonlySet<number>): OdooValue {
  const id = referredId(value);
  return id !== null && ids.has(id) ? withHiddenLabel(value, () => false) : value;
}

/** Each property of a record has its own model: `{ type: 'many2many', comodel: 'res.partner', value: [[7, 'Ann']] }`. */
function withoutLabelsIn(properties: OdooValue, erased: RecordIds): OdooValue {
  if (!Array.isArray(properties)) return properties;
  return properties.map((property: OdooValue) => {
    if (typeof property !== 'object' || property === null || Array.isArray(property)) return property;
    const { comodel, type, value } = property as { readonly [key: string]: OdooValue };
    const ids = typeof comodel === 'string' ? erased.get(comodel) : undefined;
    if (ids === undefined || value === undefined) return property;
    const isList = type === 'many2many' && Array.isArray(value);
    const hidden = isList
      ? value.map((one: OdooValue) => withoutLabelOf(one, ids))
      : withoutLabelOf(value, ids);
    return { ...property, value: hidden };
  });
}

/** The id in a many2one value: `[id, name]`, or only the id. */
export function referredId(value: OdooValue | undefined): number | null {
  const id: OdooValue | undefined = Array.isArray(value) ? value[0] : value;
  return typeof id === 'number' ? id : null;
}

/** A many2one keeps its id. */
function withHiddenLabel(value: OdooValue, hide: HideValue): OdooValue {
  if (typeof value === 'number') return value;
  const [id, label, ...others]: readonly OdooValue[] = Array.isArray(value) ? value : [];
  if (typeof id !== 'number' || label === undefined || others.length > 0) return hide(value);
  return [id, hide(label)];
}

/** Empty values stay empty. A value that cannot be stored loses its reason, which may quote it. */
function hiding(policy: FieldPolicy, hashKey: string | null): HideValue {
  if (policy === 'omit') return () => false;
  const hidden = policy === 'mask' ? masked : hashedWith(hashKey);
  return (value) => {
    if (value === false || value === null || value === '') return value;
    if (unstorableIn({ id: 0, value }) !== null) return new Unstorable(HIDDEN_REASON);
    return hidden(value);
  };
}

const HIDDEN_REASON = 'a value, hidden by its policy,';

/** Texts are hashed as they are, so that equal values of different fields stay joinable. */
function hashedWith(key: string | null): (value: OdooValue) => string {
  if (key === null) throw new Error('A field is hashed without FIELD_HASH_KEY.');
  return (value) =>
    createHmac('sha256', key)
      .update(typeof value === 'string' ? value : canonicalJson(value))
      .digest('hex');
}

const letters = new Intl.Segmenter('und', { granularity: 'grapheme' });

/** The type of a field may have changed since it was described, so other values than texts are hidden whole. */
function masked(value: OdooValue): string {
  if (typeof value !== 'string') return STARS;
  const [first] = letters.segment(value);
  return `${first?.segment ?? ''}${STARS}`;
}

const STARS = '***';
