import { randomBytes } from 'node:crypto';
import { untilReady } from '../../dev/demo/api.ts';
import type { Stage } from '../../dev/demo/context.ts';
import { choosePort, openMigrated, urlOf } from '../../dev/demo/servers.ts';
import { createApiKey } from '../../src/db/api-keys.ts';
import { openRedis } from '../../src/queues/redis.ts';
import { createLogger } from '../../src/shared/logger.ts';
import { startHelper, startServer } from '../frame/processes.ts';
import { startServers } from '../frame/servers.ts';
import type { BareReady } from './bare.ts';
import type { SandboxReady } from './sandbox.ts';

const HOST = '127.0.0.1';
/** Counted as in production, and never reached: 10 connections send some hundred thousand a minute. */
const NO_LIMIT_IN_REACH = '10000000';

/** PostgreSQL, Redis, a sandbox Tryton and the API as in production, each a process of its own. All is deferred. */
export async function setGatewayStage(stage: Stage) {
  const { ending, defer } = stage;
  const { workspace, databaseUrl, redisUrl } = await startServers(stage);
  const redis = openRedis(redisUrl, 'producer', createLogger('silent', 'bench'));
  defer(() => redis.disconnect());
  const db = await openMigrated(stage, databaseUrl);
  const { key } = await createApiKey(db, { name: 'bench', scopes: ['tryton:call'] });
  const sandbox = await startHelper<SandboxReady>(stage, workspace, {
    ...{ name: 'sandbox', module: 'bench/gateway/sandbox.ts', env: {} },
  });
  const prefix = `passerelle-bench-${randomBytes(4).toString('hex')}`;
  const url = urlOf(HOST, await choosePort(HOST, 0, true));
  startServer(stage, workspace, {
    ...{ name: 'api', module: 'dist/src/server.js' },
    env: {
      ...{ DATABASE_URL: databaseUrl, REDIS_URL: redisUrl, QUEUE_PREFIX: prefix },
      ...{ HOST, PORT: new URL(url).port, API_RATE_LIMIT: NO_LIMIT_IN_REACH },
      ...{ TRYTON_RPC_URL: sandbox.url, TRYTON_USER: sandbox.user, TRYTON_PASSWORD: sandbox.password },
    },
  });
  await untilReady(url, ending);
  /** The bare route that serves `value`. */
  const startBare = async (value: string): Promise<BareReady> => {
    const name = `${prefix}:bare`;
    await redis.set(name, value);
    const args = [redisUrl, name];
    return startHelper<BareReady>(stage, workspace, {
      ...{ name: 'bare', module: 'bench/gateway/bare.ts', args, env: {} },
    });
  };
  return { url, key, sandbox, startBare };
}

export type GatewayStage = Awaited<ReturnType<typeof setGatewayStage>>;
