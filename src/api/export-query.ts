import { z } from 'zod';
import type { ExportQuery } from '../db/documents-export.ts';
import type { OdooFieldRow } from '../db/schema/model.ts';
import type { Csv } from './csv.ts';
import { BC_COLUMNS, createCsv, DELIMITER_NAMES, LINE_COLUMNS } from './csv.ts';
import type { KnownFields } from './field-book.ts';
import { listQuery, readChoice, readFilter, readPick } from './list-query.ts';

const { q, state, updated_since, archived, filter, fields, include, line_fields } = listQuery.shape;

export const exportQuery = z
  .strictObject({
    format: z.enum(['csv', 'ndjson']).default('csv').describe('ndjson: one JSON object on each line'),
    of: z.enum(['bc', 'lines']).default('bc').describe('what a row is; `lines`: of the BCs that are found'),
    ...{ q, state, updated_since, archived, filter, include, line_fields },
    fields: fields.describe(
      'fields of each row, with commas between; all by default, but no contents in CSV',
    ),
    delimiter: z.enum(DELIMITER_NAMES).default('comma').describe('between the columns of CSV'),
    decimal: z.enum(['point', 'comma']).default('point').describe('in the numbers of CSV'),
    bom: z
      .enum(['true', 'false'])
      .default('false')
      .describe('true: CSV begins with a byte order mark, by which Excel knows UTF-8'),
  })
  .refine(({ format, of, include: lines }) => lines === undefined || (format === 'ndjson' && of === 'bc'), {
    path: ['include'],
    error: 'goes with format=ndjson and of=bc; lines as rows are of=lines',
  });
export type ExportParameters = z.infer<typeof exportQuery>;

export interface Export {
  readonly query: ExportQuery;
  /** Null: rows go out as the JSON that they are. */
  readonly csv: Csv | null;
}

/** @throws UnknownFieldError, UnknownOperatorError, BadValueError, LinesNotIncludedError */
export function readExport(query: ExportParameters, known: KnownFields): Export {
  const filters = readFilter(query, known.header);
  const all = query.of === 'bc' ? known.header : known.line;
  const chosen = chooseFields(query, all);
  const choice = readChoice(
    { ...query, fields: undefined },
    known,
    filters.archived === 'exclude' ? 'live' : 'whole',
  );
  const { pick, sized } = chosen;
  return {
    query:
      query.of === 'bc'
        ? { of: 'documents', filter: filters, ...choice, pick, sized }
        : { of: 'lines', filter: filters, pick, sized },
    csv: query.format === 'ndjson' ? null : csvOf(query, chosen.columns),
  };
}

/** In a table, contents would be in nobody's way only where they were asked for by name. */
function chooseFields(query: ExportParameters, all: readonly OdooFieldRow[]) {
  const pick = readPick(query.fields, all);
  if (pick !== null) {
    return { pick, sized: [], columns: pick.flatMap((name) => all.filter((field) => field.name === name)) };
  }
  const isBinary = ({ type }: OdooFieldRow) => type === 'binary';
  const binaries = query.format === 'csv' ? all.filter(isBinary).map(({ name }) => name) : [];
  const others = all.map(({ name }) => name).filter((name) => !binaries.includes(name));
  return { pick: binaries.length === 0 ? null : others, sized: binaries, columns: all };
}

function csvOf({ of, delimiter, decimal, bom }: ExportParameters, columns: readonly OdooFieldRow[]): Csv {
  return createCsv(columns, of === 'bc' ? BC_COLUMNS : LINE_COLUMNS, {
    delimiter,
    decimal,
    bom: bom === 'true',
  });
}
