import type { SQL } from 'drizzle-orm';
import { and, isNull, sql } from 'drizzle-orm';
import type { Database, Transaction } from './connection.ts';
import type { DocumentFilter } from './documents-filter.ts';
import { fieldJson, filterSql } from './documents-filter.ts';
import type { Choice } from './documents-json.ts';
import { documentColumns, lineColumns } from './documents-json.ts';
import { bc, bcLine } from './schema/documents.ts';

/** Which rows are wanted: BCs, or the lines of the BCs that the filter finds, with `bcName` beside each. */
export type ExportQuery =
  | ({ readonly of: 'documents' } & Choice & Filtered)
  | ({ readonly of: 'lines'; readonly pick: readonly string[] | null } & Filtered);

interface Filtered {
  readonly filter: DocumentFilter;
  /** Binary fields whose size in bytes is enough. */
  readonly sized: readonly string[];
}

export interface Exporting {
  readonly query: ExportQuery;
  /** Takes rows as JSON texts, none at the end; the next ones are read once it is through with these. */
  readonly take: (rows: readonly string[]) => Promise<void>;
}

/**
 * Reads every row, in the order of ids, as they were at one moment, and holds but a few of them. `prepare` makes the
 * query, and sees the same moment. A signal that is aborted stops PostgreSQL too.
 */
export async function exportRows(
  db: Database,
  prepare: (tx: Transaction) => Promise<Exporting>,
  signal: AbortSignal,
): Promise<void> {
  await db.transaction(
    async (tx) => {
      const { query, take } = await prepare(tx);
      const [backend] = await tx.execute<{ pid: number }>(sql`select pg_backend_pid() as pid`);
      const work = (async () => {
        await tx.execute(sql`declare export no scroll cursor for ${rowsSql(query)}`);
        await fetchAll(tx, take, signal);
      })();
      const stopped = stopWith(signal, db, backend?.pid ?? 0);
      try {
        await work;
      } finally {
        // Who cancels must be through before the connection goes to somebody else.
        await stopped();
      }
    },
    { isolationLevel: 'repeatable read', accessMode: 'read only' },
  );
}

/** What one round trip brings at most, in rows and, about, in characters. */
const MOST_ROWS = 1000;
const CHARACTERS = 1_000_000;

async function fetchAll(tx: Transaction, take: Exporting['take'], signal: AbortSignal): Promise<void> {
  let size = 50;
  for (;;) {
    signal.throwIfAborted();
    const rows = await tx.execute<{ json: string }>(sql.raw(`fetch ${size} from export`));
    const texts = rows.map(({ json }) => json);
    await take(texts);
    if (texts.length === 0) return;
    const average = texts.reduce((sum, { length }) => sum + length, 0) / texts.length;
    size = Math.max(1, Math.min(MOST_ROWS, Math.floor(CHARACTERS / average)));
  }
}

/** @returns what ends the watch, once a cancellation that is under way has arrived. */
function stopWith(signal: AbortSignal, db: Database, pid: number): () => Promise<void> {
  let cancelled: Promise<unknown> = Promise.resolve();
  const cancel = () => {
    cancelled = db.execute(sql`select pg_cancel_backend(${pid}::int)`).catch(() => undefined);
  };
  signal.addEventListener('abort', cancel, { once: true });
  if (signal.aborted) cancel();
  return async () => {
    signal.removeEventListener('abort', cancel);
    await cancelled;
  };
}

function rowsSql(query: ExportQuery): SQL {
  const row = query.of === 'documents' ? documentRows(query) : lineRows(query);
  return sql`select row_to_json(item)::text as json from (${row}) as item`;
}

function documentRows(query: Extract<ExportQuery, { of: 'documents' }>): SQL {
  return sql`select ${documentColumns(query)} ${sizesSql(bc, query.sized)} from ${bc}
    where ${filterSql(query.filter) ?? sql`true`} order by ${bc.odooId}`;
}

function lineRows({ filter, pick, sized }: Extract<ExportQuery, { of: 'lines' }>): SQL {
  const live = filter.archived === 'exclude' ? isNull(bcLine.archivedAt) : undefined;
  return sql`select ${lineColumns(pick)}, ${fieldJson('name')} as "bcName" ${sizesSql(bcLine, sized)}
    from ${bc} join ${bcLine} on ${bcLine.bcOdooId} = ${bc.odooId}
    where ${and(filterSql(filter), live) ?? sql`true`} order by ${bc.odooId}, ${bcLine.odooId}`;
}

/** A column: bytes of some contents, by field. Three for each four characters of base64, but for the padding. */
function sizesSql(table: typeof bc | typeof bcLine, fields: readonly string[]): SQL {
  if (fields.length === 0) return sql``;
  const names = JSON.stringify(fields);
  return sql`, (select jsonb_object_agg(field, octet_length(content) * 3 / 4 - (octet_length(content)
      - octet_length(rtrim(content, '=')))) from jsonb_array_elements_text(${names}::jsonb) as field
    cross join lateral (select ${table.fields} ->> field as content) as contents
    where jsonb_typeof(${table.fields} -> field) = 'string') as "sizes"`;
}
