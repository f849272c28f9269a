import { Pool } from 'undici';
import { serializeMethodCall } from 'xmlrpc/lib/serializer.js';
import type { OdooProtocol } from '../../src/odoo/types.ts';
import type { DocumentModel } from '../../src/sync/types.ts';
import type { Fetcher } from './bare-fetch.ts';
import { PAGES_IN_FLIGHT } from './bare-fetch.ts';
import type { NaiveOdoo } from './naive.ts';

/** A client that is nothing but undici, to show that our own client makes the bare fetch no slower than it is. */
interface PlainFetcher extends Fetcher {
  close(): Promise<void>;
}

interface Call {
  readonly model: string;
  readonly method: 'search' | 'read' | 'search_read';
  readonly positional: Readonly<Record<string, unknown>>;
  readonly named: Readonly<Record<string, unknown>>;
}

/** One exchange; the answer as its records or ids. */
type Ask = (call: Call) => Promise<readonly unknown[]>;

/**
 * JSON is decoded by `JSON.parse`. XML is not decoded, as the platform has nothing for it: of an answer in XML, ids
 * and records are counted by pattern, so by XML-RPC this is less than a fetch.
 *
 * @param uid Who is signed in; JSON-2 needs no number.
 */
export function plainFetcher(
  protocol: OdooProtocol,
  odoo: NaiveOdoo,
  uid: number,
  { header, line, inverse }: DocumentModel,
): PlainFetcher {
  const base = new URL(odoo.url);
  const pool = new Pool(base.origin, { connections: PAGES_IN_FLIGHT, headersTimeout: 0, bodyTimeout: 0 });
  const post = async (path: string, headers: Record<string, string>, body: string): Promise<string> => {
    const answer = await pool.request({
      method: 'POST',
      path: base.pathname.replace(/\/+$/, '') + path,
      headers,
      body,
    });
    const text = await answer.body.text();
    if (answer.statusCode !== 200)
      throw new Error(`${path}: HTTP ${answer.statusCode} ${text.slice(0, 300)}`);
    return text;
  };
  const ask = { json2: askJson2, jsonrpc: askJsonRpc, xmlrpc: askXmlRpc }[protocol](post, odoo, uid);
  const fields = (names: readonly string[]) => ({ fields: names, context: CONTEXT });
  return {
    name: 'bare fetch by undici alone',
    ids: async () =>
      (await ask({ ...searching(header.name, 'search', []), named: { order: 'id', context: CONTEXT } })).map(
        Number,
      ),
    headers: async (ids) =>
      (
        await ask({
          model: header.name,
          method: 'read',
          positional: { ids },
          named: fields(header.requested),
        })
      ).length,
    lines: async (ids) =>
      (
        await ask({
          ...searching(line.name, 'search_read', [[inverse, 'in', ids]]),
          named: { ...fields(line.requested), order: 'id' },
        })
      ).length,
    close: () => pool.close(),
  };
}

const CONTEXT = { active_test: false };

function searching(model: string, method: 'search' | 'search_read', domain: readonly unknown[]) {
  return { model, method, positional: { domain } } as const;
}

type Post = (path: string, headers: Record<string, string>, body: string) => Promise<string>;

function askJson2(post: Post, { db, password }: NaiveOdoo): Ask {
  const headers = {
    'content-type': 'application/json',
    authorization: `bearer ${password}`,
    'x-odoo-database': db,
  };
  return async ({ model, method, positional, named }) =>
    JSON.parse(
      await post(`/json/2/${model}/${method}`, headers, JSON.stringify({ ...positional, ...named })),
    ) as unknown[];
}

function askJsonRpc(post: Post, odoo: NaiveOdoo, uid: number): Ask {
  return async (call) => {
    const params = { service: 'object', method: 'execute_kw', args: executeKw(odoo, uid, call) };
    const body = JSON.stringify({ jsonrpc: '2.0', method: 'call', params, id: 1 });
    const answer = JSON.parse(await post('/jsonrpc', { 'content-type': 'application/json' }, body)) as {
      readonly result?: unknown[];
      readonly error?: unknown;
    };
    if (answer.result === undefined) throw new Error(JSON.stringify(answer.error).slice(0, 300));
    return answer.result;
  };
}

function askXmlRpc(post: Post, odoo: NaiveOdoo, uid: number): Ask {
  return async (call) => {
    const body = serializeMethodCall('execute_kw', executeKw(odoo, uid, call));
    const text = await post('/xmlrpc/2/object', { 'content-type': 'text/xml' }, body);
    const pattern = call.method === 'search' ? /<int>(\d+)<\/int>/g : /<name>id<\/name>/g;
    return [...text.matchAll(pattern)].map(([whole, id]) => id ?? whole);
  };
}

function executeKw({ db, password }: NaiveOdoo, uid: number, call: Call): readonly unknown[] {
  return [db, uid, password, call.model, call.method, Object.values(call.positional), call.named];
}
