import type { SQL } from 'drizzle-orm';
import { sql } from 'drizzle-orm';
import type { AnyPgColumn } from 'drizzle-orm/pg-core';
import { bc, bcLine } from './schema/documents.ts';

/**
 * Which lines are returned with a BC. `whole`: those of an archived BC as it was when it was archived. Lines that left
 * their BC earlier are in neither.
 */
export type LinesWanted = 'none' | 'live' | 'whole';

/** What of a BC is answered. */
export interface Choice {
  /** The fields of the header; null is all of them. */
  readonly pick: readonly string[] | null;
  readonly lines: LinesWanted;
  /** The fields of each line; null is all of them. */
  readonly linePick: readonly string[] | null;
}

/** The columns of a BC's JSON, as the API answers it, for a query on the table. */
export function documentColumns({ pick, lines, linePick }: Choice): SQL {
  const own = sql`${recordColumns(bc, picked(bc, pick))}, ${moment(bc.changedAt)} as "changedAt"`;
  return lines === 'none' ? own : sql`${own}, (${linesOfBc(lines, linePick)}) as "lines"`;
}

/** A live line, or one of an archived BC that was there until the end. */
export const isOfDocument = sql`(${bcLine.archivedAt} is null or (
  ${bc.archivedAt} is not null and ${bcLine.archiveReason} is distinct from 'removed'))`;

/** The columns of a line's JSON. */
export const lineColumns = (pick: readonly string[] | null): SQL =>
  sql`${recordColumns(bcLine, picked(bcLine, pick))}, ${bcLine.bcOdooId} as "bcOdooId"`;

function recordColumns(table: typeof bc | typeof bcLine, fields: SQL): SQL {
  return sql`${table.odooId} as "odooId", ${fields} as "fields", ${moment(table.odooCreateDate)} as "createDate",
    ${moment(table.odooWriteDate)} as "writeDate", ${moment(table.syncedAt)} as "syncedAt",
    ${moment(table.archivedAt)} as "archivedAt", ${table.archiveReason} as "archiveReason",
    ${table.contentHash} as "contentHash"`;
}

/** ISO 8601 in UTC with milliseconds, as JavaScript words it. */
function moment(column: AnyPgColumn): SQL {
  return sql`to_char(${column} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`;
}

function picked(table: typeof bc | typeof bcLine, pick: readonly string[] | null): SQL {
  if (pick === null) return sql`${table.fields}`;
  return sql`(select coalesce(jsonb_object_agg(key, value), '{}') from jsonb_each(${table.fields})
    where key in (select jsonb_array_elements_text(${JSON.stringify(pick)}::jsonb)))`;
}

function linesOfBc(wanted: Exclude<LinesWanted, 'none'>, pick: readonly string[] | null): SQL {
  const which = wanted === 'live' ? sql`and ${bcLine.archivedAt} is null` : sql`and ${isOfDocument}`;
  // Written without the blanks that PostgreSQL has in arrays of its own.
  const array = sql`'[' || coalesce(string_agg(row_to_json(line)::text, ',' order by line."odooId"), '') || ']'`;
  return sql`select (${array})::json from (
    select ${lineColumns(pick)} from ${bcLine} where ${bcLine.bcOdooId} = ${bc.odooId} ${which}) as line`;
}
