import type { FastifyReply } from 'fastify';
import { z } from 'zod';
import type { Transaction } from '../../db/connection.ts';
import type { Exporting } from '../../db/documents-export.ts';
import { exportRows } from '../../db/documents-export.ts';
import type { Api } from '../app.ts';
import type { ExportedRow } from '../csv.ts';
import type { ApiDeps } from '../deps.ts';
import { TooManyExportsError } from '../errors.ts';
import type { ExportPlaces } from '../export-places.ts';
import type { ExportParameters } from '../export-query.ts';
import { exportQuery, readExport } from '../export-query.ts';
import { listKnownFields } from '../field-book.ts';
import { problemResponses } from '../problem.ts';
import type { Write } from '../send-stream.ts';
import { sendStream } from '../send-stream.ts';

const TYPES = { csv: 'text/csv; charset=utf-8; header=present', ndjson: 'application/x-ndjson' } as const;

const exported = {
  description: 'The file, as an attachment',
  content: {
    'text/csv': { schema: z.string() },
    'application/x-ndjson': { schema: z.string() },
  },
};

/** Every BC that the filters find, or its lines, as one file. */
export function bcExportRoute(api: Api, deps: ApiDeps, places: ExportPlaces): void {
  api.get(
    '/api/v1/bc/export',
    {
      config: { scope: 'bc:read' },
      // It would read everything, for nothing.
      exposeHeadRoute: false,
      schema: {
        tags: ['bc'],
        summary: 'BCs or their lines as one file',
        querystring: exportQuery,
        response: { 200: exported, ...problemResponses },
      },
    },
    async ({ query }, reply) => {
      if (!places.take()) throw new TooManyExportsError(places.most);
      return sendStream(reply, async (write, gone) => {
        try {
          await exportRows(deps.db, (tx) => prepare(tx, deps, query, reply, write), {
            signal: gone,
            canceller: deps.reserveDb,
          });
        } finally {
          places.giveBack();
        }
      });
    },
  );
}

/** @throws UnknownFieldError, UnknownOperatorError, BadValueError, LinesNotIncludedError */
async function prepare(
  tx: Transaction,
  { config }: ApiDeps,
  parameters: ExportParameters,
  reply: FastifyReply,
  write: Write,
): Promise<Exporting> {
  const { query, csv } = readExport(parameters, await listKnownFields(tx, config));
  const { format, of } = parameters;
  const file = `${of === 'bc' ? 'bc' : 'bc-lines'}-${new Date().toISOString().slice(0, 10)}.${format}`;
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
