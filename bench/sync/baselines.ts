import type postgres from 'postgres';
import { Pool } from 'undici';
import xmlrpc from 'xmlrpc';
import { serializeMethodCall } from 'xmlrpc/lib/serializer.js';
import type { OdooClient, OdooProtocol } from '../../src/odoo/types.ts';
import type { DocumentModel } from '../../src/sync/types.ts';
import { MeasurementFailedError } from '../errors.ts';
import type { OdooLogin } from '../setup/sandbox-odoo.ts';

/*
 * The baselines of a full sync. The bare fetch reads everything and stores nothing, by our own client or by undici
 * alone. The naive sync copies one BC after another.
 */

/** The counts of a copy or a fetch. */
export interface Counted {
  readonly seconds: number;
  readonly documents: number;
  readonly lines: number;
}

/** Reads ids and records by some client. It returns only the number of records. */
export interface Fetcher {
  readonly name: string;
  ids(): Promise<readonly number[]>;
  headers(ids: readonly number[]): Promise<number>;
  /** The lines of these headers. */
  lines(headerIds: readonly number[]): Promise<number>;
}

/** The defaults of the mirror. */
const PAGE = 500;
export const PAGES_IN_FLIGHT = 4;

/**
 * The lower limit for every mirror: reads everything once, in pages of 500 with their lines and several pages in
 * flight. The records are decoded and discarded. Signing in and reading the model are not counted, though a run of the
 * mirror does both.
 */
export async function bareFetch(fetcher: Fetcher): Promise<Counted> {
  const start = performance.now();
  const ids = await fetcher.ids();
  const pages = Array.from({ length: Math.ceil(ids.length / PAGE) }, (_, page) =>
    ids.slice(page * PAGE, (page + 1) * PAGE),
  );
  let [documents, lines] = [0, 0];
  const work = async () => {
    for (let page = pages.shift(); page !== undefined; page = pages.shift()) {
      // Not `+= await`: it would read the sum before the other pages in flight add to it.
      const headers = await fetcher.headers(page);
      documents += headers;
      const pageLines = await fetcher.lines(page);
      lines += pageLines;
    }
  };
  await Promise.all(Array.from({ length: PAGES_IN_FLIGHT }, work));
  return { seconds: (performance.now() - start) / 1000, documents, lines };
}

/** Our own client. It reads all the fields that the mirror reads, with the contents of binaries. */
export function ownFetcher(odoo: OdooClient, model: DocumentModel): Fetcher {
  const { header, line, inverse } = model;
  return {
    name: 'bare fetch by our client',
    ids: () => odoo.search(header.name, [], { order: 'id' }),
    headers: async (ids) => (await odoo.read(header.name, ids, { fields: header.requested })).length,
    lines: async (ids) =>
      (await odoo.searchRead(line.name, [[inverse, 'in', ids]], { fields: line.requested, order: 'id' }))
        .length,
  };
}

/** A client of undici alone. It shows whether our own client slows the bare fetch down. */
interface UndiciFetcher extends Fetcher {
  close(): Promise<void>;
}

type Values = Readonly<Record<string, unknown>>;

/** Archived records too, as in the mirror. */
const CONTEXT = { active_test: false };

/**
 * `JSON.parse` decodes JSON. Node has no XML decoder, so ids and records in XML are counted by pattern. By XML-RPC this
 * is therefore less work than a fetch.
 *
 * @param uid The user's id. JSON-2 does not need it.
 */
export function undiciFetcher(
  protocol: OdooProtocol,
  { url, db, password }: OdooLogin,
  uid: number,
  { header, line, inverse }: DocumentModel,
): UndiciFetcher {
  const { origin, pathname } = new URL(url);
  const pool = new Pool(origin, { connections: PAGES_IN_FLIGHT, headersTimeout: 0, bodyTimeout: 0 });
  const post = async (path: string, body: string, headers: Readonly<Record<string, string>>) => {
    const sent = { method: 'POST', path: pathname.replace(/\/+$/, '') + path, headers, body } as const;
    const answer = await pool.request(sent);
    const text = await answer.body.text();
    if (answer.statusCode === 200) return text;
    throw new MeasurementFailedError(`${path}: HTTP ${answer.statusCode} ${text.slice(0, 300)}`);
  };
  const json = { 'content-type': 'application/json' };
  const apiKey = { authorization: `bearer ${password}`, 'x-odoo-database': db };
  /** Sends one call. @returns its records or ids. */
  const send = async (
    model: string,
    method: 'search' | 'read' | 'search_read',
    positional: Values,
    options: Values,
  ): Promise<readonly unknown[]> => {
    const named = { ...options, context: CONTEXT };
    if (protocol === 'json2') {
      const body = JSON.stringify({ ...positional, ...named });
      return JSON.parse(await post(`/json/2/${model}/${method}`, body, { ...json, ...apiKey }));
    }
    const args = [db, uid, password, model, method, Object.values(positional), named];
    if (protocol === 'jsonrpc') {
      const params = { service: 'object', method: 'execute_kw', args };
      const body = JSON.stringify({ jsonrpc: '2.0', method: 'call', params, id: 1 });
      const { result, error } = JSON.parse(await post('/jsonrpc', body, json));
      if (result !== undefined) return result;
      throw new MeasurementFailedError(`Odoo answered ${JSON.stringify(error).slice(0, 300)}`);
    }
    const body = serializeMethodCall('execute_kw', args);
    const text = await post('/xmlrpc/2/object', body, { 'content-type': 'text/xml' });
    const pattern = method === 'search' ? /<int>(\d+)<\/int>/g : /<name>id<\/name>/g;
    return [...text.matchAll(pattern)].map(([whole, id]) => id ?? whole);
  };
  return {
    name: 'bare fetch by undici alone',
    ids: async () => (await send(header.name, 'search', { domain: [] }, { order: 'id' })).map(Number),
    headers: async (ids) => (await send(header.name, 'read', { ids }, { fields: header.requested })).length,
    lines: async (ids) => {
      const domain = [[inverse, 'in', ids]];
      const options = { fields: line.requested, order: 'id' };
      return (await send(line.name, 'search_read', { domain }, options)).length;
    },
    close: () => pool.close(),
  };
}

interface Row {
  readonly id: number;
  readonly [field: string]: postgres.JSONValue;
}

type NaiveExecute = (model: string, domain: readonly unknown[], named: Values) => Promise<Row[]>;

const MODEL = 'dimagaz.bc';
const LINE_MODEL = 'dimagaz.bc.line';
const INVERSE = 'bc_id';
const NAIVE_PAGE = 100;

/** Creates the tables of the naive sync. */
export async function createNaiveTables(sql: postgres.Sql): Promise<void> {
  await sql`create table naive_bc (odoo_id bigint primary key, data jsonb not null, synced_at timestamptz not null)`;
  await sql`create table naive_bc_line (odoo_id bigint primary key, bc_id bigint not null, data jsonb not null,
    synced_at timestamptz not null)`;
}

/**
 * The plain program that this project replaces: XML-RPC by the client of the `xmlrpc` package, pages by limit and
 * offset, one call for the lines of each BC, one upsert for each BC and line, and no two of them at once. It is not slow
 * on purpose. It only copies: no queue, audit, hashes, deletions or retries.
 *
 * It copies the first `most` BCs. Pages by offset get slower with the offset, so a sample makes it look faster.
 *
 * @throws Error of the two packages.
 */
export async function naiveSync(sql: postgres.Sql, odoo: OdooLogin, most: number): Promise<Counted> {
  const start = performance.now();
  const execute = await naiveSignIn(odoo);
  let documents = 0;
  let lines = 0;
  for (let offset = 0; documents < most; offset += NAIVE_PAGE) {
    const limit = Math.min(NAIVE_PAGE, most - documents);
    const page = await execute(MODEL, [], { offset, limit, order: 'id' });
    for (const bc of page) {
      await sql`insert into naive_bc (odoo_id, data, synced_at) values (${bc.id}, ${sql.json(bc)}, now())
        on conflict (odoo_id) do update set data = excluded.data, synced_at = excluded.synced_at`;
      for (const line of await execute(LINE_MODEL, [[INVERSE, '=', bc.id]], {})) {
        await sql`insert into naive_bc_line (odoo_id, bc_id, data, synced_at)
          values (${line.id}, ${bc.id}, ${sql.json(line)}, now())
          on conflict (odoo_id) do update set bc_id = excluded.bc_id, data = excluded.data,
            synced_at = excluded.synced_at`;
        lines += 1;
      }
      documents += 1;
    }
    if (page.length < limit) break;
  }
  return { seconds: (performance.now() - start) / 1000, documents, lines };
}

async function naiveSignIn({ url, db, user, password }: OdooLogin): Promise<NaiveExecute> {
  const call = (service: string) => {
    const { protocol, hostname, port, pathname } = new URL(url);
    const secure = protocol === 'https:';
    const create = secure ? xmlrpc.createSecureClient : xmlrpc.createClient;
    const client = create({
      host: hostname,
      port: port === '' ? (secure ? 443 : 80) : Number(port),
      path: `${pathname.replace(/\/+$/, '')}/xmlrpc/2/${service}`,
    });
    return (method: string, params: readonly unknown[]) =>
      new Promise<unknown>((resolve, reject) => {
        client.methodCall(method, params, (error, value) => (error ? reject(error) : resolve(value)));
      });
  };
  const uid = await call('common')('authenticate', [db, user, password, {}]);
  const object = call('object');
  return async (model, domain, named) => {
    const args = [db, uid, password, model, 'search_read', [domain], { ...named, context: CONTEXT }];
    return (await object('execute_kw', args)) as Row[];
  };
}
