import { type Config, type MirrorSettings, matchesAny } from '../../config/index.ts';
import type { Queryable } from '../../db/client.ts';
import { erasedRecords } from '../../db/documents/erased-records.ts';
import { withoutErased } from '../../odoo/erased-client.ts';
import { type Scope, scopeClient } from '../../odoo/scoped-client.ts';
import type { FieldPolicy, OdooClient } from '../../odoo/types.ts';
import type { FieldRules } from '../privacy/policy-changes.ts';

/** Odoo as a mirror reads it: as the configuration shows it, and without erased records. */
export function mirrorClient(
  db: Queryable,
  odoo: OdooClient,
  own: MirrorSettings,
  config: Pick<Config, 'mirrors' | 'fieldHashKey'>,
): OdooClient {
  const erased = sharedStart(() => erasedRecords(db));
  return withoutErased(scopedClient(odoo, own, config), own, erased);
}

/**
 * Calls that begin together share one answer: headers and lines of a page. A later call asks again, because a record may
 * have been erased since.
 */
function sharedStart<T>(ask: () => Promise<T>): () => Promise<T> {
  let next: Promise<T> | null = null;
  return () => {
    next ??= Promise.resolve().then(() => {
      next = null;
      return ask();
    });
    return next;
  };
}

/** Odoo as the configuration shows it to a mirror. */
export function scopedClient(
  odoo: OdooClient,
  own: MirrorSettings,
  config: Pick<Config, 'mirrors' | 'fieldHashKey'>,
): OdooClient {
  const scope = scopeOf(own, config.mirrors, config.fieldHashKey);
  return scope === null ? odoo : scopeClient(odoo, scope);
}

/** The fields that the configuration of a mirror reads, and the key of its hashes. */
export function fieldRules(own: MirrorSettings, hashKey: string | null): FieldRules {
  const { include, exclude } = own.fields;
  const reads = (field: string) =>
    (include === null || matchesAny(include, field)) && !matchesAny(exclude, field) && !isDropped(own, field);
  return { reads, hashKey };
}

/** Null: every record and every field, as they are. */
function scopeOf(own: MirrorSettings, all: readonly MirrorSettings[], hashKey: string | null): Scope | null {
  const { model, lineModel, linesField, domain, fields } = own;
  const { include, exclude, drop } = fields;
  const named = new Map(all.map((mirror) => [mirror.model, labelPolicyOf(mirror)]));
  const isWhole =
    lineModel !== null &&
    domain.length === 0 &&
    include === null &&
    [exclude, drop, fields.hash, fields.mask].every((patterns) => patterns.length === 0) &&
    [...named.values()].every((policy) => policy === undefined);
  if (isWhole) return null;
  return {
    ...{ model, lineModel, linesField, domain, ...fieldRules(own, hashKey) },
    hidesTexts: hidesTexts(own, all),
    policyOf: (field) => policyOf(own, field),
    labelPolicyOf: (related) => named.get(related),
  };
}

/** Whether Odoo may quote a value in its messages that the mirror hides or does not read: its own, or a label. */
export function hidesTexts(own: MirrorSettings, all: readonly MirrorSettings[]): boolean {
  const { drop, hash, mask } = own.fields;
  return (
    drop.length + hash.length + mask.length > 0 || all.some((other) => labelPolicyOf(other) !== undefined)
  );
}

function labelPolicyOf(mirror: MirrorSettings): FieldPolicy | undefined {
  return isDropped(mirror, 'display_name') ? 'omit' : policyOf(mirror, 'display_name');
}

/** With `name`, `display_name` is dropped too, unless it is hidden in another way. */
function isDropped(mirror: MirrorSettings, field: string): boolean {
  const { drop } = mirror.fields;
  if (matchesAny(drop, field)) return true;
  return field === 'display_name' && matchesAny(drop, 'name') && namedPolicy(mirror, field) === undefined;
}

type Hiding = Exclude<FieldPolicy, 'omit'>;

/** `display_name` shows `name`, so it has its policy unless it has one of its own. */
function policyOf(mirror: MirrorSettings, field: string): Hiding | undefined {
  const policy = namedPolicy(mirror, field);
  return policy === undefined && field === 'display_name' ? namedPolicy(mirror, 'name') : policy;
}

function namedPolicy({ fields: { hash, mask } }: MirrorSettings, field: string): Hiding | undefined {
  if (matchesAny(hash, field)) return 'hash';
  return matchesAny(mask, field) ? 'mask' : undefined;
}
