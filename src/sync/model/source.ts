/**
 * The source of the mirror: which models of which database are read, and by which reader. `sync_state.source` keeps it,
 * because records of two sources have the same ids: a mirror that reads another one would mix both and report success.
 *
 * Another model or database is another source. Runs refuse it until `sync --new-source` accepts it
 * (`source-check.ts`). Another reader (user, language, time zone, companies, ODOO_CONTEXT) changes the content of the
 * same records. It costs one full run.
 *
 * | `database.uuid` of both | condition                                            | database |
 * | ----------------------- | ---------------------------------------------------- | -------- |
 * | known                   | equal, whatever the names                            | the same |
 * | known                   | different                                            | another  |
 * | not known               | the names differ                                     | another  |
 * | not known               | the record of our user has another creation date     | another  |
 * | not known               | otherwise                                            | the same |
 *
 * Invariants: a right that comes or goes is no change, because only values are compared that both sides know. All three
 * protocols give the same values. Most runs send no extra call: `SourceMemory` keeps the answers of the process, and
 * only its first run, full runs and sweeps ask again.
 *
 * ```ts
 * const own = await sources.current(() => readSource(odoo, definition, sources.settings));
 * const differences = sourceDifferences(stored, own);
 * ```
 */
import type { MirrorSource, SourceDatabase, SourceReader } from '../../db/schema/sync.ts';
import { OdooFieldError, OdooModelError } from '../../odoo/errors.ts';
import type { OdooClient, OdooRecord, OdooValue } from '../../odoo/types.ts';
import { isRefusal } from '../error-policy.ts';
import { isSame } from '../store/content-hash.ts';
import type { DocumentDefinition } from '../types.ts';

/** The source that the settings of this process name. `linesField` is null if they do not name it. */
export interface OwnSource extends Pick<MirrorSource, 'model' | 'lineModel' | 'database' | 'reader'> {
  readonly linesField: string | null;
}

/** The settings that are not in the definition of the document. */
interface SourceSettings {
  /** ODOO_DB. */
  readonly database: string;
  /** ODOO_CONTEXT. */
  readonly context: Readonly<Record<string, OdooValue>>;
}

/** What Odoo has answered to this process about its source. */
export class SourceMemory {
  readonly settings: SourceSettings;
  #own: Promise<OwnSource> | null = null;

  constructor(settings: SourceSettings) {
    this.settings = settings;
  }

  /** The remembered source. Calls that start together share one request. */
  current(read: () => Promise<OwnSource>): Promise<OwnSource> {
    return this.#own ?? this.renew(read);
  }

  /** Asks again. A failed request is not remembered. */
  renew(read: () => Promise<OwnSource>): Promise<OwnSource> {
    const own = read();
    this.#own = own;
    own.catch(() => {
      if (this.#own === own) this.#own = null;
    });
    return own;
  }
}

/** Asks Odoo for the identity of its database and for its user: two calls, three if the user may read little. */
export async function readSource(
  odoo: OdooClient,
  { model, lineModel, linesField }: DocumentDefinition,
  { database, context }: SourceSettings,
): Promise<OwnSource> {
  const { uid } = await odoo.connect();
  const [uuid, user] = await Promise.all([databaseUuid(odoo), ownUser(odoo, uid)]);
  const { create_date: created, ...values } = user;
  return {
    model,
    lineModel,
    linesField: linesField ?? null,
    database: { name: database, uuid, userCreated: typeof created === 'string' ? created : null },
    reader: { uid, context, ...values },
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
async function ownUser(odoo: OdooClient, uid: number): Promise<Record<string, OdooValue>> {
  const read = (fields: readonly string[]) => ifAllowed(() => odoo.read('res.users', [uid], { fields }));
  let [user] = await read([...SELF_READABLE, 'company_ids', 'create_date']);
  if (user === undefined) [user] = await read(SELF_READABLE);
  if (user === undefined) return {};
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

/** A setting that names another source than the mirror has. */
export interface SourceDifference {
  readonly setting: string;
  readonly own: string;
  readonly stored: string;
}

/** Empty: both are the same source. */
export function sourceDifferences(stored: MirrorSource, own: OwnSource): SourceDifference[] {
  const names = [
    { setting: 'ODOO_MODEL', own: own.model, stored: stored.model },
    { setting: 'ODOO_LINE_MODEL', own: own.lineModel, stored: stored.lineModel },
    { setting: 'ODOO_LINES_FIELD', own: own.linesField ?? stored.linesField, stored: stored.linesField },
  ].filter((one) => one.own !== one.stored);
  if (!isOtherDatabase(stored, own)) return names;
  const database = { setting: 'ODOO_DB', own: own.database.name, stored: stored.database.name };
  const isNamesake = database.own === database.stored;
  return [...names, isNamesake ? { ...database, stored: 'another database of that name' } : database];
}

type DatabaseAndReader = Pick<MirrorSource, 'database' | 'reader'>;

/** The id of a user has one creation date in one database. Copies have the same, so equal dates prove nothing. */
function isOtherDatabase(stored: DatabaseAndReader, own: DatabaseAndReader): boolean {
  const [before, now] = [stored.database, own.database];
  if (before.uuid !== null && now.uuid !== null) return before.uuid !== now.uuid;
  if (before.name !== now.name) return true;
  if (before.userCreated === null || now.userCreated === null) return false;
  return stored.reader['uid'] === own.reader['uid'] && before.userCreated !== now.userCreated;
}

/** The values that changed, of those that both readers know; null without one. */
export function readerChange(
  stored: SourceReader,
  own: SourceReader,
): { readonly old: SourceReader; readonly new: SourceReader } | null {
  const changed = Object.keys(own).filter(
    (name) => Object.hasOwn(stored, name) && !isSame(stored[name], own[name]),
  );
  if (changed.length === 0) return null;
  const pick = (reader: SourceReader) =>
    Object.fromEntries(changed.map((name) => [name, reader[name] ?? null]));
  return { old: pick(stored), new: pick(own) };
}

/** The source to store after a run with `own`. Values that the user may not read now are kept. */
export function knownSource(stored: MirrorSource | null, own: OwnSource, linesField: string): MirrorSource {
  const source = { model: own.model, lineModel: own.lineModel, linesField };
  if (stored === null) return { ...source, database: own.database, reader: own.reader };
  const isSameUser = stored.reader['uid'] === own.reader['uid'];
  return {
    ...source,
    database: knownDatabase(stored.database, own.database, isSameUser),
    reader: isSameUser ? { ...stored.reader, ...own.reader } : own.reader,
  };
}

function knownDatabase(stored: SourceDatabase, own: SourceDatabase, isSameUser: boolean): SourceDatabase {
  return {
    name: own.name,
    uuid: own.uuid ?? stored.uuid,
    userCreated: own.userCreated ?? (isSameUser ? stored.userCreated : null),
  };
}
