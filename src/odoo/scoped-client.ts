/**
 * Odoo as the mirror of one model sees it. The engine receives this client in place of the plain one, so it needs no
 * rule for domains, fields that are not read, and personal data.
 *
 * - Header records outside the domain do not exist: no search finds them, and `read` leaves them out like deleted ones.
 * - `fields_get` leaves out the fields that the configuration does not read, and `read` never requests them.
 * - Values with a policy are hidden before anything is hashed, queued, stored or logged (`field-policies.ts`). Messages
 *   of Odoo lose their text, because they may quote such values.
 * - The line model `NO_LINES_MODEL` has no fields and no records, without a call.
 *
 * Invariants: other models than header and lines are read unchanged. A record never leaves this client before its fields
 * were described, because the description decides which values are hidden.
 *
 * ```ts
 * const odoo = scopeClient(account.client({ context }), { model: 'res.partner', lineModel: null, ...policies });
 * await odoo.search('res.partner', []); // only the ids in the domain
 * ```
 */
import { OdooQuotingError } from './errors.ts';
import {
  FieldPolicyError,
  type Policies,
  policyProblems,
  type Redaction,
  redactionOf,
  withPolicy,
} from './field-policies.ts';
import { NO_LINES_MODEL } from './fields.ts';
import type { Domain, OdooClient, OdooFields, OdooRecord } from './types.ts';

/** The records and fields that a mirror reads. */
export interface Scope extends Policies {
  readonly model: string;
  /** Null: a mirror without lines. */
  readonly lineModel: string | null;
  /** The one2many of the header, if the configuration names it. */
  readonly linesField?: string | undefined;
  /** Only these records of the header model belong to the mirror. */
  readonly domain: Domain;
  /** Whether a field is read at all. Fields that the engine needs are always read. */
  readonly reads: (field: string) => boolean;
  /** Messages of Odoo lose their text, also if no field that is read has a policy. */
  readonly hidesTexts?: boolean;
}

/** The engine needs them to compare and order records. */
const ALWAYS_READ: readonly string[] = ['id', 'write_date', 'create_date'];

/** The fields of a model as the mirror sees them. */
interface Described {
  readonly fields: OdooFields;
  /** Fields that are read whatever the configuration says. */
  readonly needed: ReadonlySet<string>;
  /** Null: no field has a policy. */
  readonly redact: Redaction | null;
}

export function scopeClient(odoo: OdooClient, scope: Scope): OdooClient {
  const { model: headerModel, lineModel, domain } = scope;
  const isOwn = (model: string) => model === headerModel || model === lineModel;
  const within = (model: string, asked: Domain): Domain =>
    model === headerModel ? [...domain, ...asked] : asked;

  const newest = new Map<string, Promise<Described>>();
  const describe = (model: string): Promise<Described> => {
    const described = describeModel(odoo, scope, model);
    newest.set(model, described);
    // A failed request is not remembered: the next call asks again.
    described.catch(() => {
      if (newest.get(model) === described) newest.delete(model);
    });
    return described;
  };

  /** Requests records with the fields that may be read, and hides their values. */
  const records = async (
    model: string,
    fields: readonly string[],
    request: (fields: readonly string[]) => Promise<OdooRecord[]>,
  ): Promise<OdooRecord[]> => {
    if (!isOwn(model)) return request(fields);
    const { needed, redact } = await (newest.get(model) ?? describe(model));
    const read = fields.filter((field) => needed.has(field) || scope.reads(field));
    // Odoo reads all fields if the list is empty.
    const wanted = read.length === 0 ? ['id'] : read;
    if (redact === null) return scope.hidesTexts ? withoutQuotes(() => request(wanted)) : request(wanted);
    return (await withoutQuotes(() => request(wanted))).map(redact);
  };

  const inDomain = async (model: string, ids: readonly number[]): Promise<readonly number[]> => {
    if (model !== headerModel || domain.length === 0 || ids.length === 0) return ids;
    const found = new Set(await odoo.search(model, [...domain, ['id', 'in', ids]]));
    return ids.filter((id) => found.has(id));
  };

  return {
    target: odoo.target,
    get calls() {
      return odoo.calls;
    },
    connect: () => odoo.connect(),
    clock: () => odoo.clock(),
    fieldsGet: async (model) => {
      if (model === NO_LINES_MODEL) return {};
      return isOwn(model) ? (await describe(model)).fields : odoo.fieldsGet(model);
    },
    search: async (model, asked, options) =>
      model === NO_LINES_MODEL ? [] : odoo.search(model, within(model, asked), options),
    searchCount: async (model, asked) =>
      model === NO_LINES_MODEL ? 0 : odoo.searchCount(model, within(model, asked)),
    searchRead: async (model, asked, { fields, ...options }) => {
      if (model === NO_LINES_MODEL) return [];
      return records(model, fields, (read) =>
        odoo.searchRead(model, within(model, asked), { ...options, fields: read }),
      );
    },
    read: async (model, ids, { fields, ...options }) => {
      if (model === NO_LINES_MODEL) return [];
      const present = await inDomain(model, ids);
      if (present.length === 0) return [];
      return records(model, fields, (read) => odoo.read(model, present, { ...options, fields: read }));
    },
    close: () => odoo.close(),
  };
}

/** @throws FieldPolicyError if a policy does not fit the type of its field. */
async function describeModel(odoo: OdooClient, scope: Scope, model: string): Promise<Described> {
  const all = await odoo.fieldsGet(model);
  const needed = new Set([...ALWAYS_READ, ...(await linksOf(odoo, scope, model, all))]);
  const read = Object.values(all).filter(({ name }) => needed.has(name) || scope.reads(name));
  const problems = policyProblems(fieldsByName(read), scope);
  if (problems.length > 0) throw new FieldPolicyError(model, problems);
  const fields = fieldsByName(read.map((field) => withPolicy(field, scope)));
  return { fields, needed, redact: redactionOf(fields, scope) };
}

const fieldsByName = (fields: readonly OdooFields[string][]): OdooFields =>
  Object.fromEntries(fields.map((field) => [field.name, field]));

/** The fields that link header and lines. */
async function linksOf(
  odoo: OdooClient,
  { model: headerModel, lineModel, linesField, reads }: Scope,
  model: string,
  fields: OdooFields,
): Promise<string[]> {
  const lists = (header: OdooFields) =>
    Object.values(header).filter(
      ({ name, type, relation }) =>
        type === 'one2many' && relation === lineModel && (linesField === undefined || name === linesField),
    );
  if (model === headerModel) return lists(fields).map(({ name }) => name);
  const toHeader = Object.values(fields).filter(
    ({ type, relation }) => type === 'many2one' && relation === headerModel,
  );
  const names = toHeader.map(({ name }) => name);
  // Only the header names the inverse among several. It is asked only if one of them is not to be read.
  if (names.length < 2 || names.every(reads)) return names;
  const inverses = lists(await odoo.fieldsGet(headerModel)).map(({ relation_field: inverse }) => inverse);
  return inverses.every((inverse) => inverse !== undefined) ? inverses : names;
}

/** Odoo quotes values in some of its messages: names in access errors, texts in errors of its database. */
async function withoutQuotes<T>(request: () => Promise<T>): Promise<T> {
  try {
    return await request();
  } catch (error) {
    throw error instanceof OdooQuotingError ? error.withoutQuote() : error;
  }
}
