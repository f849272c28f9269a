/**
 * The identity of the source of a mirror: which models of which database are read, and by which reader. `sync_state.source` keeps it,
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
 * const own = await sources.current(() => readSource(source, definition));
 * const differences = sourceDifferences(stored, own);
 * ```
 */
import type { MirrorSource, SourceDatabase, SourceReader } from '../../db/schema/sync.ts';
import { isSame } from '../store/content-hash.ts';
import type { DocumentDefinition } from '../types.ts';
import type { Source } from './source.ts';

/** The source that the settings of this process name. `linesField` is null if they do not name it. */
export interface OwnSource extends Pick<MirrorSource, 'model' | 'lineModel' | 'database' | 'reader'> {
  readonly linesField: string | null;
}

/** What Odoo has answered to this process about its source. */
export class SourceMemory {
  #own: Promise<OwnSource> | null = null;

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

/** Asks the server for its identity. */
export async function readSource(
  source: Source,
  { model, lineModel, linesField }: DocumentDefinition,
): Promise<OwnSource> {
  const { database, reader } = await source.identity();
  return { model, lineModel, linesField: linesField ?? null, database, reader };
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
