import { drizzle } from 'drizzle-orm/postgres-js';
import { count } from '../../dev/demo/context.ts';
import { openMigrated } from '../../dev/demo/servers.ts';
import { createApiKey } from '../../src/db/api-keys.ts';
import { openClient } from '../../src/db/client.ts';
import { EVERY_BC, readDocuments } from '../../src/db/documents/queries.ts';
import { bcStore } from '../../src/db/documents/tables.ts';
import * as schema from '../../src/db/schema/index.ts';
import type { Context } from '../context.ts';
import { MeasurementFailedError } from '../errors.ts';
import type { Figure, Series, Subject } from '../reporting/figures.ts';
import { median, seriesInTurns } from '../reporting/figures.ts';
import type { HttpRequest, LoadOptions } from '../setup/load.ts';
import { compareUnderLoad, fetchText, startBaselineRoute } from '../setup/load.ts';
import type { Servers } from '../setup/servers.ts';
import { createDatabase, startApi } from '../setup/servers.ts';
import type { MirrorSize } from './fill-mirror.ts';
import { fillMirror } from './fill-mirror.ts';

/*
 * The read API. The list with lines runs under load beside a Fastify route that sends the same query. Then pages far
 * into a list are compared with its first page, and a large mirror with a small one.
 */

/** A filled mirror and the API on it, as in production. */
interface ReadApi extends MirrorSize {
  readonly databaseUrl: string;
  /** The request of the list with this query string. */
  readonly list: (query: string) => HttpRequest;
}

/** The small mirror for the comparison. */
const SMALL = 10_000;
const DEEPEST_PAGE = 10_000;
/** A page may cost so much more than the first one, or than the first one of the small mirror. */
const SAME_COST = { is: 'at most', ratio: 1.3 } as const;
/** BCs on a page. */
const PAGE = 50;
const LARGEST_PAGE = 500;
/** Requests of one measurement, one after another. Their median counts. */
const REQUESTS = 25;

/** Lists whose pages all have to cost the same. `share`: one BC in so many is in the list. */
const LISTS = [
  { id: 'id', query: 'sort=odoo_id', title: 'by id', share: 1 },
  { id: 'latest', query: 'sort=-date_order', title: 'latest order first', share: 1 },
  { id: 'state', query: 'state=done', title: 'of one state', share: 5 },
];
type List = (typeof LISTS)[number];

/** Measures the read API. @throws MeasurementFailedError on any unexpected answer. */
export async function measureReadApi(
  context: Context,
  servers: Servers,
  options: MirrorSize & LoadOptions,
): Promise<Figure[]> {
  const { ending, screen } = context;
  const api = await startReadApi(context, servers, options);
  screen.line('The list of 50 with lines beside a bare route');
  const figures = await loadFigures(context, servers, api, options);
  const smallSize = { ...options, documents: SMALL };
  const small = options.documents > SMALL ? await startReadApi(context, servers, smallSize) : null;
  for (const list of LISTS) {
    screen.line(`Pages of the list ${list.title}`);
    figures.push(...(await ending.before(pageFigures(list, api, small, options.rounds))));
  }
  return figures;
}

async function startReadApi(context: Context, servers: Servers, size: MirrorSize): Promise<ReadApi> {
  const { ending, screen, defer } = context;
  const { documents, lines } = size;
  const databaseUrl = await createDatabase(servers, defer);
  const db = await openMigrated(context, databaseUrl);
  screen.line(`A mirror of ${documents} BC with ${lines} lines each`);
  await ending.before(fillMirror(db, size, () => ending.check()));
  const { key } = await createApiKey(db, { name: 'bench', scopes: ['bc:read'] });
  const url = await startApi(context, servers, databaseUrl);
  const headers = { authorization: `Bearer ${key}` };
  const list = (query: string) => ({ url: `${url}/api/v1/bc?${query}`, headers });
  return { documents, lines, databaseUrl, list };
}

/** The list under load: answers per second, and the time within which 99 % of them come. */
async function loadFigures(
  context: Context,
  { workspace }: Servers,
  api: ReadApi,
  options: LoadOptions,
): Promise<Figure[]> {
  const list = api.list(`include=lines&limit=${PAGE}`);
  const source = { databaseUrl: api.databaseUrl, ...(await listQuery(api.databaseUrl)) };
  const baseline = { url: await startBaselineRoute(context, workspace, source), headers: {} };
  const text = await fetchText(list);
  if (!text.startsWith(`{"items":${await fetchText(baseline)},`)) {
    throw new MeasurementFailedError('The baseline route sends other BCs than the API');
  }
  const { ours, baseline: beside } = await compareUnderLoad(
    options,
    context.ending,
    { name: 'read API', ...list },
    { name: 'bare Fastify route, the same query', ...baseline },
  );
  const title = `Read API, list of ${PAGE} with lines, ${Math.round(text.length / 1000)} kB, 10 connections`;
  return [
    {
      ...{ id: 'read.list', title, unit: '/s', ours: ours.rate, beside: beside.rate },
      target: { is: 'at least', ratio: 0.7 },
    },
    {
      ...{ id: 'read.list.p99', title: `${title}: 99 % answered within`, unit: 'ms' },
      ...{ ours: ours.p99, beside: beside.p99, target: null },
    },
  ];
}

/** The query that the API sends for a first page with lines. */
async function listQuery(databaseUrl: string): Promise<{ query: string; params: string[] }> {
  const client = openClient(databaseUrl, 1);
  const sent: { query: string; params: string[] }[] = [];
  const logger = {
    logQuery: (query: string, params: unknown[]) => void sent.push({ query, params: params.map(String) }),
  };
  await readDocuments(bcStore(drizzle(client, { schema, logger })), {
    filter: EVERY_BC,
    order: { field: null, extract: 'id', descending: false },
    ...{ after: null, limit: PAGE, pick: null, lines: 'live', linePick: null },
  });
  await client.end();
  const [query] = sent;
  if (query === undefined) throw new MeasurementFailedError('The API sent no query');
  return query;
}

/** The first page of a list beside two later ones, and beside the first page of the small mirror. */
async function pageFigures(
  list: List,
  api: ReadApi,
  small: ReadApi | null,
  rounds: number,
): Promise<Figure[]> {
  const last = Math.floor(api.documents / list.share / PAGE);
  const later = [100, DEEPEST_PAGE].map((page) => Math.min(page, last));
  const pages = [...new Set(later.filter((page) => page > 1))];
  const subjects = [pageSubject('page 1', await pageOf(api, list.query, 1))];
  for (const page of pages) {
    subjects.push(pageSubject(`page ${count(page)}`, await pageOf(api, list.query, page)));
  }
  if (small !== null) {
    const name = `page 1 of ${count(small.documents)} BC`;
    subjects.push(pageSubject(name, await pageOf(small, list.query, 1)));
  }
  const [first, ...others] = await seriesInTurns(rounds, subjects);
  return others.flatMap((other, at) => {
    if (first === undefined) return [];
    const page = pages[at];
    return page === undefined
      ? pageFigure(list, 'size', api, first, other)
      : pageFigure(list, `page.${page}`, api, other, first);
  });
}

function pageFigure(list: List, name: string, { documents }: ReadApi, ours: Series, beside: Series): Figure {
  return {
    id: `read.${list.id}.${name}`,
    title: `Read API, ${count(documents)} BC, list ${list.title}: ${ours.name}`,
    ...{ unit: 'ms', ours, beside, target: SAME_COST },
  };
}

/** The duration of one request, in milliseconds. */
function pageSubject(name: string, request: HttpRequest): Subject {
  const measure = async () => {
    const durations: number[] = [];
    for (let sent = 0; sent < REQUESTS; sent += 1) {
      const start = performance.now();
      await fetchText(request);
      durations.push(performance.now() - start);
    }
    return median(durations);
  };
  return { name, measure };
}

/** The request of a page of a list, counted from 1. Its cursor comes from reading the list up to there. */
async function pageOf(api: ReadApi, query: string, number: number): Promise<HttpRequest> {
  let cursor = '';
  for (let left = (number - 1) * PAGE; left > 0; ) {
    const limit = Math.min(left, LARGEST_PAGE);
    const text = await fetchText(api.list(`${query}&fields=name&limit=${limit}${cursor}`));
    const { nextCursor } = JSON.parse(text) as { nextCursor: string | null };
    if (nextCursor === null) throw new MeasurementFailedError(`The list ${query} has no page ${number}`);
    cursor = `&cursor=${nextCursor}`;
    left -= limit;
  }
  return api.list(`${query}&include=lines&limit=${PAGE}${cursor}`);
}
