import { randomBytes } from 'node:crypto';
import { drizzle } from 'drizzle-orm/postgres-js';
import { untilReady } from '../../dev/demo/api.ts';
import type { Stage } from '../../dev/demo/context.ts';
import { choosePort, openMigrated, urlOf } from '../../dev/demo/servers.ts';
import { createApiKey } from '../../src/db/api-keys.ts';
import { openClient } from '../../src/db/client.ts';
import { readDocuments } from '../../src/db/documents/queries.ts';
import { startHelper, startServer } from '../frame/processes.ts';
import type { Servers } from '../frame/servers.ts';
import { scratchDatabase, startServers } from '../frame/servers.ts';
import { BenchFailedError } from '../memory/errors.ts';
import type { BareQuery, BareReady } from './bare.ts';
import type { Get } from './load.ts';
import { fillMirror } from './seed.ts';

const HOST = '127.0.0.1';
/** Counted as in production, and never reached. */
const NO_LIMIT_IN_REACH = '10000000';

export interface MirrorSize {
  readonly documents: number;
  /** Number for each BC. */
  readonly lines: number;
}

/** A filled mirror and the API on it, as in production. */
export interface ReadApi extends MirrorSize {
  readonly databaseUrl: string;
  /** A request of the list with this query string. */
  readonly list: (query: string) => Get;
}

/** PostgreSQL and Redis for all of it. Everything is deferred. */
export async function setReadStage(stage: Stage) {
  const servers = await startServers(stage);
  return {
    api: (size: MirrorSize) => startApi(stage, servers, size),
    bare: async (api: ReadApi, pageSize: number): Promise<Get> => {
      const query = JSON.stringify(await listQuery(api.databaseUrl, pageSize));
      const args = [api.databaseUrl, query];
      const bare = { name: 'bare', module: 'bench/api/bare.ts', args, env: {} };
      const { url } = await startHelper<BareReady>(stage, servers.workspace, bare);
      return { url, headers: {} };
    },
  };
}

async function startApi(stage: Stage, servers: Servers, size: MirrorSize): Promise<ReadApi> {
  const { ending, screen } = stage;
  const databaseUrl = await scratchDatabase(servers, stage.defer);
  const db = await openMigrated(stage, databaseUrl);
  screen.line(`A mirror of ${size.documents} BC with ${size.lines} lines each`);
  await ending.before(fillMirror(db, size, () => ending.check()));
  const { key } = await createApiKey(db, { name: 'bench', scopes: ['bc:read'] });
  const url = urlOf(HOST, await choosePort(HOST, 0, true));
  const prefix = `passerelle-bench-${randomBytes(4).toString('hex')}`;
  startServer(stage, servers.workspace, {
    ...{ name: `api-${size.documents}`, module: 'dist/src/server.js' },
    env: {
      ...{ DATABASE_URL: databaseUrl, REDIS_URL: servers.redisUrl, QUEUE_PREFIX: prefix },
      ...{ HOST, PORT: new URL(url).port, API_RATE_LIMIT: NO_LIMIT_IN_REACH },
    },
  });
  await untilReady(url, ending);
  const headers = { authorization: `Bearer ${key}` };
  return { ...size, databaseUrl, list: (query) => ({ url: `${url}/api/v1/bc?${query}`, headers }) };
}

/** The query of the API for a first page with lines, word for word. */
async function listQuery(databaseUrl: string, limit: number): Promise<BareQuery> {
  const client = openClient(databaseUrl, 1);
  const sent: BareQuery[] = [];
  const logger = {
    logQuery: (query: string, params: unknown[]) => void sent.push({ query, params: params.map(String) }),
  };
  await readDocuments(drizzle(client, { logger }), {
    filter: { conditions: [], search: null, changedSince: null, archived: 'exclude' },
    order: { field: null, extract: 'id', descending: false },
    ...{ after: null, limit, pick: null, lines: 'live', linePick: null },
  });
  await client.end();
  const [query] = sent;
  if (query === undefined) throw new BenchFailedError('no query was sent');
  return query;
}
