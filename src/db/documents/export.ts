import { and, isNull, type SQL, sql } from 'drizzle-orm';
import type { Cancelling, Database, Transaction } from '../client.ts';
import { cancellable } from '../client.ts';
import type { HeaderTable, LineTable } from '../schema/documents.ts';
import { type DocumentFilter, fieldJson, filterSql } from './filters.ts';
import { type Choice, documentColumns, lineColumns, weighedItems } from './queries.ts';
import type { MirrorStore, MirrorTables } from './tables.ts';

/** Which rows are exported: BCs, or the lines of the filtered BCs, each with `bcName`. */
export type ExportQuery =
  | ({ readonly of: 'documents' } & Choice & Filtered)
  | ({ readonly of: 'lines'; readonly pick: readonly string[] | null } & Filtered);

interface Filtered {
  readonly filter: DocumentFilter;
  /** Binary fields of which only the size in bytes is exported. */
  readonly sized: readonly string[];
}

export interface Exporting {
  readonly query: ExportQuery;
  /** Receives rows as JSON texts, and none at the end. The next rows are read after it has resolved. */
  readonly take: (rows: readonly string[]) => Promise<void>;
}

/**
 * Reads every row, ordered by id, as of one moment, and keeps only a few in memory. `prepare` creates the query, and
 * sees the same moment. An aborted signal cancels the query in PostgreSQL, or prevents its start.
 */
export async function exportRows(
  { db, ...tables }: MirrorStore<Database>,
  prepare: (tx: Transaction) => Promise<Exporting>,
  cancelling: Cancelling,
): Promise<void> {
  const { signal } = cancelling;
  await cancellable(
    db,
    cancelling,
    async (tx) => {
      // An export takes as long as its reader. Each fetch is short, but the first one may sort all rows.
      await tx.execute(sql`set local statement_timeout = 0`);
      // A slow client leaves the session idle for long. It holds a snapshot, but no lock that a writer waits for.
      await tx.execute(sql`set local idle_in_transaction_session_timeout = 0`);
      const { query, take } = await prepare(tx);
      await tx.execute(sql`declare export no scroll cursor for ${exportSql(tables, query)}`);
      for await (const rows of fetchAll({ ...tables, db: tx }, query)) {
        await take(rows);
        signal.throwIfAborted();
      }
      await take([]);
    },
    { isolationLevel: 'repeatable read', accessMode: 'read only' },
  );
}

/** Rows of one round trip; fewer if the previous ones had more characters than this together. */
const MAX_ROWS = 512;
const CHARACTERS = 1_000_000;
/** Longer rows are skipped and read by id, so one round trip never returns more than 16 MB. */
const LONG = 32 * 1024;
/** Maximum size of rows that are read by id together, except the last one. */
const TOGETHER = 2 * 1024 * 1024;

interface FoundRow extends Record<string, unknown> {
  readonly id: string;
  /** Null if the row is long. */
  readonly json: string | null;
}

async function* fetchAll(store: MirrorStore, query: ExportQuery): AsyncGenerator<string[]> {
  let size = 50;
  for (;;) {
    const found = await store.db.execute<FoundRow>(sql.raw(`fetch ${size} from export`));
    if (found.length === 0) return;
    for (const { short, long } of inRuns(found)) {
      if (short.length > 0) yield short;
      yield* readLong(store, query, long);
    }
    const average = found.reduce((sum, { json }) => sum + (json?.length ?? 0), 0) / found.length;
    size = Math.max(1, Math.min(MAX_ROWS, Math.floor(CHARACTERS / average)));
  }
}

/** In order: some short rows, then the ids of long ones, and so on. */
function inRuns(rows: readonly FoundRow[]): { readonly short: string[]; readonly long: string[] }[] {
  const runs = [{ short: [] as string[], long: [] as string[] }];
  for (const { id, json } of rows) {
    const run = runs.at(-1);
    if (json === null) run?.long.push(id);
    else if (run?.long.length === 0) run.short.push(json);
    else runs.push({ short: [json], long: [] });
  }
  return runs;
}

async function* readLong(
  { db, ...tables }: MirrorStore,
  query: ExportQuery,
  ids: readonly string[],
): AsyncGenerator<string[]> {
  for (let left = ids; left.length > 0; ) {
    const rows = await db.execute<{ json: string }>(longSql(tables, query, left));
    if (rows.length === 0) throw new Error(`no row is found by the id ${left[0]}: its index is broken`);
    yield rows.map(({ json }) => json);
    left = left.slice(rows.length);
  }
}

/** Large stored values are skipped, because PostgreSQL knows their size without reading them. */
function exportSql(tables: MirrorTables, query: ExportQuery): SQL {
  return sql`select id, case when octet_length(json) <= ${LONG} then json end as json from (
    select item."odooId" as id,
      case when pg_column_size(item."fields") <= ${LONG} then row_to_json(item)::text end as json
    from (${foundSql(tables, query)}) as item offset 0) as written`;
}

function longSql(tables: MirrorTables, query: ExportQuery, odooIds: readonly string[]): SQL {
  const ids = sql`${`{${odooIds.join(',')}}`}::bigint[]`;
  const table = query.of === 'documents' ? tables.header : tables.line;
  const item = (id: SQL) => sql`${rowSql(tables, query)} where ${table.odooId} = ${id}`;
  return sql`with recursive ${weighedItems({ ids, item, bytes: TOGETHER })}
    select json from weighed where place > 0 order by place`;
}

function foundSql(tables: MirrorTables, query: ExportQuery): SQL {
  const { header: bc, line: bcLine } = tables;
  const { of, filter } = query;
  const live = of === 'lines' && filter.archived === 'exclude' ? isNull(bcLine.archivedAt) : undefined;
  const order = of === 'lines' ? sql`${bc.odooId}, ${bcLine.odooId}` : sql`${bc.odooId}`;
  return sql`${rowSql(tables, query)} where ${and(filterSql(bc, filter), live) ?? sql`true`} order by ${order}`;
}

function rowSql(tables: MirrorTables, query: ExportQuery): SQL {
  const { header: bc, line: bcLine } = tables;
  if (query.of === 'documents') {
    return sql`select ${documentColumns(tables, query)} ${sizesSql(bc, query.sized)} from ${bc}`;
  }
  return sql`select ${lineColumns(bcLine, query.pick)}, ${fieldJson(bc, 'name')} as "bcName" ${sizesSql(bcLine, query.sized)}
    from ${bc} join ${bcLine} on ${bcLine.bcOdooId} = ${bc.odooId}`;
}

/**
 * A column with the sizes of binary contents in bytes, by field: three for each four characters of base64, without
 * padding.
 */
function sizesSql(table: HeaderTable | LineTable, fields: readonly string[]): SQL {
  if (fields.length === 0) return sql``;
  const names = JSON.stringify(fields);
  return sql`, (select jsonb_object_agg(field, octet_length(content) * 3 / 4 - (octet_length(content)
      - octet_length(rtrim(content, '=')))) from jsonb_array_elements_text(${names}::jsonb) as field
    cross join lateral (select ${table.fields} ->> field as content) as contents
    where jsonb_typeof(${table.fields} -> field) = 'string') as "sizes"`;
}
