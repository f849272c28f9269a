import type { MirrorSettings } from '../../../config/index.ts';
import type { Database, Queryable } from '../../../db/client.ts';
import { fieldsVersion, listFieldNames, listFields } from '../../../db/odoo-model/fields.ts';
import type { OdooFieldRow } from '../../../db/schema/model.ts';
import { PasserelleError } from '../../../shared/errors.ts';

export type KnownModels = Pick<MirrorSettings, 'model' | 'lineModel'>;

export interface KnownFields {
  readonly header: readonly OdooFieldRow[];
  readonly line: readonly OdooFieldRow[];
  /** The names of the fields of other models, of which records can be included. */
  readonly related?: ReadonlyMap<string, readonly string[]>;
}

/**
 * Parses a request with the cached fields, then queries the mirror. `ask` returns the version of the fields at that
 * moment. If it differs, both steps are repeated.
 */
export type FieldCatalogCache = <Query, Answer extends { readonly fieldsVersion: string }>(
  read: (fields: KnownFields) => Query,
  ask: (query: Query) => Promise<Answer>,
) => Promise<Answer>;

/** A cache of the fields of both models, and of the names of those of `related` models, valid while PostgreSQL has the same version. */
export function createFieldCatalogCache(
  db: Database,
  models: KnownModels,
  related: readonly string[],
): FieldCatalogCache {
  let known: { readonly version: string; readonly fields: KnownFields } | null = null;
  const load = async () => {
    // The version first: newer fields are read once more, and older fields are never kept.
    const version = await fieldsVersion(db);
    const [own, others] = await Promise.all([listKnownFields(db, models), listFieldNames(db, related)]);
    const fields = { ...own, related: others };
    known = { version, fields };
    return fields;
  };
  return async (read, ask) => {
    const kept = known;
    const query = kept === null ? undefined : readOrNothing(read, kept.fields);
    if (query !== undefined) {
      const answer = await ask(query);
      if (answer.fieldsVersion === kept?.version) return answer;
    }
    return ask(read(await load()));
  };
}

export async function listKnownFields(
  db: Queryable,
  { model, lineModel }: KnownModels,
): Promise<KnownFields> {
  const [header, line] = await Promise.all([
    listFields(db, model),
    lineModel === null ? [] : listFields(db, lineModel),
  ]);
  return { header, line };
}

/** A request that the cached fields refuse may be valid with the current ones. */
function readOrNothing<Query>(read: (fields: KnownFields) => Query, fields: KnownFields): Query | undefined {
  try {
    return read(fields);
  } catch (error) {
    if (error instanceof PasserelleError) return undefined;
    throw error;
  }
}
