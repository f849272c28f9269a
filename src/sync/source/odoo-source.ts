import { OdooFieldError, OdooModelError } from '../../odoo/errors.ts';
import { odooDateTime } from '../../odoo/fields.ts';
import type { Domain, OdooClient, OdooRecord, OdooValue } from '../../odoo/types.ts';
import { isRefusal } from '../error-policy.ts';
import type { Selection, Source, SourceIdentity } from './source.ts';

interface OdooSourceOptions {
  /** Odoo as the mirror sees it. */
  readonly odoo: OdooClient;
  /** Odoo without the domain and the policies of the mirror. */
  readonly unscoped: OdooClient;
  /** ODOO_DB. */
  readonly database: string;
  /** The context of the mirror. */
  readonly context: Readonly<Record<string, OdooValue>>;
}

/** Odoo as the source of a mirror. */
export function odooSource({ odoo, unscoped, database, context }: OdooSourceOptions): Source {
  return {
    target: odoo.target,
    connect: () => odoo.connect(),
    identity: () => identityOf(unscoped, database, context),
    clock: () => odoo.clock(),
    describe: (model) => odoo.fieldsGet(model),
    ids: (model, selection) => odoo.search(model, domainOf(selection), pageOf(selection, 'id')),
    newestIds: (model, selection) => odoo.search(model, domainOf(selection), pageOf(selection, 'id desc')),
    newestWrite: async (model) => {
      const newest = { fields: ['write_date'], order: 'write_date desc', limit: 1 };
      const [record] = await odoo.searchRead(model, [['write_date', '!=', false]], newest);
      const date = record?.['write_date'];
      return typeof date === 'string' ? date : null;
    },
    count: (model, selection) => odoo.searchCount(model, domainOf(selection)),
    list: (model, selection, fields, options) =>
      odoo.searchRead(model, domainOf(selection), { fields, ...options, ...pageOf(selection, 'id') }),
    read: (model, ids, fields, options) => odoo.read(model, ids, { fields, ...options }),
    exists: async (model, ids) =>
      new Set(ids.length === 0 ? [] : await unscoped.search(model, [['id', 'in', ids]])),
  };
}

function domainOf({ after, ids, except, since, refersTo }: Selection): Domain {
  return [
    ...(since === undefined ? [] : [['write_date', '>=', odooDateTime(since)] as const]),
    ...(refersTo === undefined ? [] : [linkCondition(refersTo)]),
    ...(ids === undefined ? [] : [['id', 'in', ids] as const]),
    ...(except === undefined ? [] : [['id', 'not in', except] as const]),
    ...(after === undefined ? [] : [['id', '>', after] as const]),
  ];
}

function linkCondition({ field, ids }: NonNullable<Selection['refersTo']>) {
  return ids === 'any' ? ([field, '!=', false] as const) : ([field, 'in', ids] as const);
}

const pageOf = ({ limit }: Selection, order: string) => ({ order, ...(limit !== undefined && { limit }) });

/** Asks Odoo for the identity of its database and for its user. */
async function identityOf(
  odoo: OdooClient,
  database: string,
  context: Readonly<Record<string, OdooValue>>,
): Promise<SourceIdentity> {
  const { uid } = await odoo.connect();
  const [uuid, { user, calls }] = await Promise.all([databaseUuid(odoo), ownUser(odoo, uid)]);
  const { create_date: created, ...values } = user;
  return {
    database: { name: database, uuid, userCreated: typeof created === 'string' ? created : null },
    reader: { uid, context, ...values },
    calls: calls + 1,
  };
}

/** Only administrators of Odoo may read it. */
async function databaseUuid(odoo: OdooClient): Promise<string | null> {
  const options = { fields: ['value'], limit: 1 };
  const [parameter] = await ifAllowed(() =>
    odoo.searchRead('ir.config_parameter', [['key', '=', 'database.uuid']], options),
  );
  const value = parameter?.['value'];
  return typeof value === 'string' ? value : null;
}

/** Odoo lets all users read these fields of their own record. */
const SELF_READABLE = ['lang', 'tz', 'company_id'];

/** The values of our user. Names of companies are left out, because they depend on the language. */
async function ownUser(odoo: OdooClient, uid: number) {
  const read = (fields: readonly string[]) => ifAllowed(() => odoo.read('res.users', [uid], { fields }));
  const [user] = await read([...SELF_READABLE, 'company_ids', 'create_date']);
  if (user !== undefined) return { user: userValues(user), calls: 1 };
  const [readable] = await read(SELF_READABLE);
  return { user: readable === undefined ? {} : userValues(readable), calls: 2 };
}

function userValues(user: OdooRecord): Record<string, OdooValue> {
  const { id: _, company_id: company, company_ids: companies, ...others } = user;
  return {
    ...others,
    ...(company !== undefined && { company_id: Array.isArray(company) ? company[0] : company }),
    ...(Array.isArray(companies) && { company_ids: companies.map(Number).sort((one, two) => one - two) }),
  };
}

/** Empty if Odoo refuses, or does not have the model or a field. */
async function ifAllowed(read: () => Promise<OdooRecord[]>): Promise<OdooRecord[]> {
  try {
    return await read();
  } catch (error) {
    const isUnknown = error instanceof OdooModelError || error instanceof OdooFieldError;
    if (isUnknown || isRefusal(error)) return [];
    throw error;
  }
}
