import type { FastifyReply } from 'fastify';
import { z } from 'zod';
import type { Transaction } from '../../../db/client.ts';
import { type Exporting, type ExportQuery, exportRows } from '../../../db/documents/export.ts';
import type { OdooFieldRow } from '../../../db/schema/model.ts';
import { Semaphore } from '../../../shared/semaphore.ts';
import type { Api, ApiContext } from '../../context.ts';
import { TooManyExportsError } from '../../errors.ts';
import { sendStream, type Write } from '../../replies.ts';
import { doc } from '../../schemas.ts';
import { BC_COLUMNS, type Csv, createCsv, DELIMITER_NAMES, type ExportedRow, LINE_COLUMNS } from './csv.ts';
import { type KnownFields, listKnownFields } from './fields-cache.ts';
import type { Place, ServedMirror } from './place.ts';
import { linesParameter, listQuery, readChoice, readFilter, readPick } from './query.ts';

const { q, state, updated_since, archived, filter, fields, line_fields } = listQuery.shape;

const exportQuery = z
  .strictObject({
    format: z.enum(['csv', 'ndjson']).default('csv').meta(doc('ndjson: one JSON object on each line', 'csv')),
    of: z
      .enum(['bc', 'lines'])
      .default('bc')
      .meta(doc('content of a row; `lines`: of the BCs that are found', 'bc')),
    ...{ q, state, updated_since, archived, filter, include: linesParameter, line_fields },
    fields: fields.describe(
      'fields of each row, separated by commas; all by default, but no contents in CSV',
    ),
    delimiter: z.enum(DELIMITER_NAMES).default('comma').meta(doc('between the columns of CSV', 'semicolon')),
    decimal: z.enum(['point', 'comma']).default('point').meta(doc('in the numbers of CSV', 'comma')),
    bom: z
      .enum(['true', 'false'])
      .default('false')
      .meta(doc('true: CSV begins with a byte order mark, by which Excel recognizes UTF-8', 'true')),
  })
  .refine(({ format, of, include: lines }) => lines === undefined || (format === 'ndjson' && of === 'bc'), {
    path: ['include'],
    error: 'goes with format=ndjson and of=bc; lines as rows are of=lines',
  });
type ExportParameters = z.infer<typeof exportQuery>;

interface Export {
  readonly query: ExportQuery;
  /** Null for NDJSON. */
  readonly csv: Csv | null;
}

/** @throws UnknownFieldError, UnknownOperatorError, BadValueError, LinesNotIncludedError */
function readExport(query: ExportParameters, known: KnownFields): Export {
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

/** Binary contents are exported only if they are requested by name. */
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

const TYPES = { csv: 'text/csv; charset=utf-8; header=present', ndjson: 'application/x-ndjson' } as const;

const EXAMPLE_CSV =
  'id,name,state,amount_total,mirror_changed_at,mirror_archived_at\r\n' +
  '42,BC/2026/00042,confirmed,1260,2026-01-31T08:01:07.398Z,\r\n';
const EXAMPLE_NDJSON = '{"odooId":42,"fields":{"id":42,"name":"BC/2026/00042"},"archivedAt":null}\n';

const exported = {
  description: 'The file, as an attachment',
  content: {
    'text/csv': { schema: z.string().meta({ examples: [EXAMPLE_CSV] }) },
    'application/x-ndjson': { schema: z.string().meta({ examples: [EXAMPLE_NDJSON] }) },
  },
};

/** Maximum of concurrent exports of keys. Each holds one of the ten connections of the process. */
const MAX_OF_KEYS = 2;

/**
 * The exports that may run: one of each key, and one of the admin pages, whose place no key can take. An export holds a
 * snapshot, which delays vacuum, so a client must take each piece in time.
 */
export class ExportPlaces {
  readonly pieceMs: number;
  readonly #ofKeys = new Semaphore(MAX_OF_KEYS);
  readonly #ofAdmin = new Semaphore(1);
  readonly #keys = new Set<number>();

  constructor(pieceMs: number) {
    this.pieceMs = pieceMs;
  }

  /**
   * @param keyId null: the admin pages.
   * @returns the function that gives the place back; call it once.
   * @throws TooManyExportsError
   */
  take(keyId: number | null): () => void {
    if (keyId !== null && this.#keys.has(keyId)) throw new TooManyExportsError('this key');
    const release = (keyId === null ? this.#ofAdmin : this.#ofKeys).tryAcquire(1);
    if (release === null) throw new TooManyExportsError(keyId === null ? 'the admin pages' : 'other keys');
    if (keyId !== null) this.#keys.add(keyId);
    return () => {
      if (keyId !== null) this.#keys.delete(keyId);
      release();
    };
  }
}

export function exportRoute(api: Api, deps: ApiContext, place: Place, places: ExportPlaces): void {
  api.get(
    `${place.path}/export`,
    {
      config: {
        ...place.config,
        scope: 'bc:read',
        problems: [
          ...place.problems,
          'unknown_field',
          'unknown_operator',
          'bad_value',
          'lines_not_included',
          'too_many_exports',
        ],
      },
      // A HEAD request would read everything.
      exposeHeadRoute: false,
      schema: {
        tags: [place.tag],
        summary: 'BCs or their lines as one file',
        description:
          'Every BC that matches the filters, by ascending id, as of one moment. CSV follows RFC 4180: a row of ' +
          'names; a many2one as `<field>_id` and `<field>_name`; ids of one2many and many2many separated by blanks; ' +
          'sizes in bytes for binary contents, unless they are requested by name. A text that a spreadsheet would ' +
          'run as a formula gets an apostrophe. NDJSON has one item of the list on each line. If an export fails, ' +
          'the connection is closed, so that a partial file does not look complete.',
        params: place.params,
        querystring: exportQuery,
        response: { 200: exported },
      },
    },
    async ({ params, query, apiKey }, reply) => {
      const mirror = place.served(params);
      const release = places.take(apiKey?.id ?? null);
      return sendStream(reply, places.pieceMs, async (write, gone) => {
        try {
          await exportRows(mirror.store, (tx) => prepare(tx, mirror, query, reply, write), {
            signal: gone,
            canceller: deps.reserveDb,
          });
        } finally {
          release();
        }
      });
    },
  );
}

/** @throws UnknownFieldError, UnknownOperatorError, BadValueError, LinesNotIncludedError */
async function prepare(
  tx: Transaction,
  { name, models }: ServedMirror,
  parameters: ExportParameters,
  reply: FastifyReply,
  write: Write,
): Promise<Exporting> {
  const { query, csv } = readExport(parameters, await listKnownFields(tx, models));
  const { format, of } = parameters;
  const file = `${name}${of === 'bc' ? '' : '-lines'}-${new Date().toISOString().slice(0, 10)}.${format}`;
  reply.type(TYPES[format]).header('content-disposition', `attachment; filename="${file}"`);
  let head = csv?.head ?? '';
  const take = async (rows: readonly string[]) => {
    const text = csv === null ? rows.map((row) => `${row}\n`).join('') : csv.rows(rows.map(parseRow));
    await write(head + text);
    head = '';
  };
  return { query, take };
}

const parseRow = (text: string): ExportedRow => JSON.parse(text) as ExportedRow;
