import type { MirrorStore } from '../../db/documents/tables.ts';
import { formerHashKeys } from '../../db/odoo-model/fields.ts';
import type { OdooFieldRow } from '../../db/schema/model.ts';
import { hidingOf } from '../../odoo/field-policies.ts';
import type { OdooFieldDescription, OdooFields, OdooValue } from '../../odoo/types.ts';
import type { RewriteValue, RewrittenFields } from './rewrite-stored.ts';

/** The settings of a mirror that hide its fields. */
export interface FieldRules {
  /** Whether a field is read at all. */
  readonly reads: (field: string) => boolean;
  /** FIELD_HASH_KEY; null: no field is hashed. */
  readonly hashKey: string | null;
}

type KnownField = Pick<OdooFieldRow, 'name' | 'description'>;

/**
 * How stored values must change because the configuration hides more than before. `known` is the stored description,
 * `described` the new one. Values that were hidden in another way stay: they show nothing.
 *
 * Values are hashed once. The caller applies the result and stores the new description in one transaction. If a field
 * was hashed earlier, and plain in between, its rows and its audit trail have values of both kinds. Then each text that
 * looks like a hash counts as one.
 */
export async function policyRewrites(
  db: MirrorStore['db'],
  model: string,
  known: readonly KnownField[],
  described: OdooFields,
  { reads, hashKey }: FieldRules,
): Promise<RewrittenFields> {
  const rewrites = new Map<string, RewriteValue>();
  for (const { name } of known) {
    if (!Object.hasOwn(described, name) && !reads(name)) rewrites.set(name, () => undefined);
  }
  const before = new Map(known.map(({ name, description }) => [name, description]));
  for (const field of Object.values(described)) {
    const rewrite = rewriteOf(before.get(field.name), field, hashKey);
    if (rewrite === null) continue;
    const keys = field.policy === 'hash' ? await formerHashKeys(db, model, field.name) : [];
    rewrites.set(field.name, keys.length === 0 ? rewrite : hashedOnce(field, keys, rewrite));
  }
  return rewrites;
}

/** Null: the stored values show nothing that the policy hides. */
function rewriteOf(
  before: OdooFieldDescription | undefined,
  field: OdooFieldDescription,
  hashKey: string | null,
): RewriteValue | null {
  if (field.policy === undefined) return null;
  if (before?.policy === field.policy) return isOtherKey(before, field) ? forget(field) : null;
  // A label that is hidden in another way is dropped all the same.
  if (before?.policy === undefined || field.policy === 'omit') return hidingOf(field, hashKey);
  return null;
}

/** A version without fingerprints stored no `keyId`: the key may be the same. */
const isOtherKey = (before: OdooFieldDescription, { keyId }: OdooFieldDescription) =>
  before.keyId !== undefined && before.keyId !== keyId;

/** Hashes of another key cannot be joined with new ones. A many2one keeps its id. */
function forget(field: OdooFieldDescription): RewriteValue {
  return field.type === 'many2one'
    ? (hidingOf({ ...field, policy: 'omit' }, null) ?? (() => undefined))
    : () => undefined;
}

/** HMAC-SHA-256 in hexadecimal. */
const HASH = /^[0-9a-f]{64}$/;

/** `keys`: fingerprints of the keys that the field was hashed with before. */
function hashedOnce(
  field: OdooFieldDescription,
  keys: readonly (string | null)[],
  rewrite: RewriteValue,
): RewriteValue {
  const isForeign = keys.some((key) => key !== null && key !== field.keyId);
  return (value) => {
    if (!isHash(field.type === 'many2one' && Array.isArray(value) ? value[1] : value)) return rewrite(value);
    return isForeign ? forget(field)(value) : value;
  };
}

const isHash = (value: OdooValue | undefined) => typeof value === 'string' && HASH.test(value);
