import { z } from 'zod';
import { cancellable } from '../../../db/client.ts';
import { listChanges } from '../../../db/documents/audit-log.ts';
import type { DocumentFilter } from '../../../db/documents/filters.ts';
import {
  countDocuments,
  estimateDocuments,
  readDocument,
  readDocuments,
  readLines,
} from '../../../db/documents/queries.ts';
import type { MirrorStore } from '../../../db/documents/tables.ts';
import type { Api, ApiContext } from '../../context.ts';
import { BadCursorError, BcNotFoundError } from '../../errors.ts';
import { requireDocument } from '../../preconditions.ts';
import { isDataException } from '../../problem-details.ts';
import { pageJson, sendJson, whileClientWaits } from '../../replies.ts';
import { doc, idCursor, limit, limitWithinBytes, toPage } from '../../schemas.ts';
import { writeCursor } from './cursors.ts';
import type { Place } from './place.ts';
import {
  fieldsParameter,
  includeFieldsParameter,
  includeParameter,
  type ListQuery,
  lineFieldsParameter,
  listQuery,
  readChoice,
  readListQuery,
  readPick,
} from './query.ts';
import { documentPage, historyPage, linePage, oneDocument } from './schemas.ts';

const oneQuery = z.strictObject({
  fields: fieldsParameter,
  include: includeParameter,
  include_fields: includeFieldsParameter,
  line_fields: lineFieldsParameter,
});

const INCLUDED =
  'A many2one field in `include` adds the record of its mirror to `included`, by the name of the field: archived ' +
  'ones with archivedAt, and null if the field is empty or the mirror does not have the record. So an item is ' +
  'complete in itself, in a list as alone, and counts with its records towards the size of the page.';

const archived = z
  .enum(['exclude', 'include'])
  .default('exclude')
  .meta(
    doc('include lines that left the BC; an archived BC is always returned with its last lines', 'exclude'),
  );

export function documentRoutes(api: Api, place: Place): void {
  api.get(
    `${place.path}/:odooId`,
    {
      config: {
        ...place.config,
        scope: 'bc:read',
        problems: [
          ...place.problems,
          ...['bc_not_found', 'unknown_field', 'bad_value', 'lines_not_included'],
          ...['not_many2one', 'relation_not_mirrored'],
        ],
      },
      schema: {
        tags: [place.tag],
        summary: 'One BC, also when it is gone from Odoo',
        description: `An archived BC has archivedAt. With include=lines it has its last lines. ${INCLUDED}`,
        params: place.documentParams,
        querystring: oneQuery,
        response: { 200: oneDocument },
      },
    },
    async ({ params, query, apiKey }, reply) => {
      const { odooId } = params;
      const { store, withFields } = place.served(params);
      const relations = place.relations(apiKey);
      const { item } = await withFields(
        (known) => readChoice(query, known, 'whole', relations),
        (choice) => readDocument(store, odooId, choice),
      );
      if (item === null) throw new BcNotFoundError(odooId);
      return sendJson(reply, item);
    },
  );

  api.get(
    `${place.path}/:odooId/lines`,
    {
      config: {
        ...place.config,
        scope: 'bc:read',
        problems: [...place.problems, 'bc_not_found', 'unknown_field'],
      },
      schema: {
        tags: [place.tag],
        summary: 'The lines of a BC, by Odoo id',
        description: 'Archived lines are returned with archived=include, and always for an archived BC.',
        params: place.documentParams,
        querystring: z.strictObject({
          limit: limitWithinBytes,
          cursor: idCursor,
          archived,
          fields: fieldsParameter.meta({ examples: ['name,product_qty'] }),
        }),
        response: { 200: linePage },
      },
    },
    async ({ params, query }, reply) => {
      const { odooId } = params;
      const { store, withFields } = place.served(params);
      const wanted = { limit: query.limit, after: query.cursor ?? 0, archived: query.archived === 'include' };
      const { items, next } = await withFields(
        (known) => readPick(query.fields, known.line),
        (pick) => readLines(store, odooId, { ...wanted, pick }),
      );
      if (items === '[]') await requireDocument(store, odooId);
      return sendJson(reply, pageJson(items, next === null ? null : String(next)));
    },
  );
}

export function listRoute(api: Api, { db, reserveDb }: ApiContext, place: Place): void {
  api.get(
    place.path,
    {
      config: {
        ...place.config,
        scope: 'bc:read',
        problems: [
          ...place.problems,
          ...['unknown_field', 'unknown_operator', 'bad_value', 'bad_cursor', 'lines_not_included'],
          ...['not_many2one', 'relation_not_mirrored'],
        ],
      },
      schema: {
        tags: [place.tag],
        summary: 'BCs of the mirror',
        description:
          'Pages in any order. Together they contain every BC once, even if BCs change in between. Filters are ' +
          '`filter[field]=value` or `filter[field][operator]=value`; all of them must match. Operators by field ' +
          'type: texts (char, text, html, selection, date, datetime, reference) have eq ne gt gte lt lte in like ' +
          'null; numbers eq ne gt gte lt lte in null; booleans eq ne null; many2one, by id or by name, eq ne in like ' +
          'null; one2many and many2many, by one of their ids, eq in null; all others null. `in` takes values ' +
          'separated by commas. `like` finds a text anywhere and ignores case. `null` is true or false. GET ' +
          `/api/v1/sync/model lists the fields. ${INCLUDED}`,
        params: place.params,
        querystring: listQuery,
        response: { 200: documentPage },
      },
    },
    async ({ params, query, apiKey }, reply) => {
      const relations = place.relations(apiKey);
      const { store: tables, withFields } = place.served(params);
      const cancelling = { signal: whileClientWaits(reply)(), canceller: reserveDb };
      const { page, list, total } = await withFields(
        (fields) => readListQuery(query, fields, relations),
        async ({ documents, list }) => {
          const [page, total] = await cancellable(db, cancelling, (tx) => {
            const store = { ...tables, db: tx };
            return Promise.all([
              readDocuments(store, documents),
              totalOf(store, query.count, documents.filter),
            ]);
          }).catch((error: unknown) => {
            // The values of filters are checked before; a forged cursor shows only here.
            throw documents.after !== null && isDataException(error) ? new BadCursorError('list') : error;
          });
          return { page, list, total, fieldsVersion: page.fieldsVersion };
        },
      );
      const nextCursor = page.next === null ? null : writeCursor(list, page.next);
      return sendJson(reply, pageJson(page.items, nextCursor, total));
    },
  );
}

async function totalOf(store: MirrorStore, count: ListQuery['count'], filter: DocumentFilter) {
  if (count === undefined) return {};
  return count === 'exact'
    ? { total: await countDocuments(store, filter), totalIsEstimate: false }
    : { total: await estimateDocuments(store, filter), totalIsEstimate: true };
}

export function historyRoute(api: Api, place: Place): void {
  api.get(
    `${place.path}/:odooId/history`,
    {
      config: { ...place.config, scope: 'bc:read', problems: [...place.problems, 'bc_not_found'] },
      schema: {
        tags: [place.tag],
        summary: 'The changes of a BC, newest first',
        description:
          'Each entry has the changed fields with their old and new values, and the run that stored the change.',
        params: place.documentParams,
        querystring: z.strictObject({ limit, cursor: idCursor }),
        response: { 200: historyPage },
      },
    },
    async ({ params, query: { limit: size, cursor } }) => {
      const { odooId } = params;
      const { store } = place.served(params);
      await requireDocument(store, odooId);
      const rows = await listChanges(store, odooId, { limit: size + 1, before: cursor });
      const changes = rows.map((row) => ({ ...row, changes: { ...row.changes } }));
      return toPage(changes, size, (last) => last.id);
    },
  );
}
