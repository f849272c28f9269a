import type { ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { untilReady } from '../../dev/demo/api.ts';
import { choosePort, urlOf } from '../../dev/demo/port.ts';
import type { Stage } from '../../dev/demo/stage.ts';
import { atMost } from '../../dev/demo/stage.ts';
import { openMigrated } from '../../dev/demo/stores.ts';
import { startServices } from '../../dev/services/index.ts';
import type { Workspace } from '../../dev/services/workspace.ts';
import { openWorkspace } from '../../dev/services/workspace.ts';
import { createApiKey } from '../../src/db/api-keys.ts';
import { createLogger } from '../../src/logger.ts';
import { openRedis } from '../../src/queues/connection.ts';
import { BenchFailedError } from '../memory/errors.ts';
import type { Environment, ProcessOptions } from '../memory/process.ts';
import { startProcess, stopProcess } from '../memory/process.ts';
import type { BareReady } from './bare.ts';
import type { SandboxReady } from './sandbox.ts';

const HOST = '127.0.0.1';
const STOP_LIMIT_MS = 20_000;
/** Counted as in production, and never reached: 10 connections send some hundred thousand a minute. */
const NO_LIMIT_IN_REACH = '10000000';
const PASSED_ON = /^(PATH|HOME|TMPDIR|LANG|NODE_\w+)$/;

/** PostgreSQL, Redis, a sandbox Tryton and the API as in production, each a process of its own. All is deferred. */
export async function setGatewayStage(stage: Stage) {
  const { ending, screen, defer } = stage;
  const workspace = await openWorkspace();
  defer(() => workspace.clean());
  const starting = startServices({
    log: (line) => screen.line(line),
    variables: { database: 'BENCH_DATABASE_URL', redis: 'BENCH_REDIS_URL' },
  });
  defer(() =>
    atMost(
      STOP_LIMIT_MS,
      starting.then((services) => services.stop()).catch(() => {}),
    ),
  );
  const { databaseUrl, redisUrl } = await ending.before(starting);
  const redis = openRedis(redisUrl, 'producer', createLogger('silent', 'bench'));
  defer(() => redis.disconnect());
  const db = await openMigrated(stage, databaseUrl);
  const { key } = await createApiKey(db, { name: 'bench', scopes: ['tryton:call'] });
  const sandbox = await startHelper<SandboxReady>(stage, workspace, {
    ...{ name: 'sandbox', module: 'bench/gateway/sandbox', env: passedOn() },
  });
  const prefix = `passerelle-bench-${randomBytes(4).toString('hex')}`;
  const url = urlOf(HOST, await choosePort(HOST, 0, true));
  startOne(stage, workspace, {
    ...{ name: 'api', module: 'src/server' },
    env: {
      ...passedOn(),
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
      ...{ name: 'bare', module: 'bench/gateway/bare', args, env: passedOn() },
    });
  };
  return { url, key, sandbox, startBare };
}

export type GatewayStage = Awaited<ReturnType<typeof setGatewayStage>>;

function passedOn(): Environment {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => PASSED_ON.test(name)));
}

/** It must not end before it is stopped. */
function startOne({ ending, defer }: Stage, workspace: Workspace, options: ProcessOptions): ChildProcess {
  const { child, exit, log } = startProcess(workspace, options);
  let stopping = false;
  defer(() => {
    stopping = true;
    return stopProcess(child);
  });
  exit.then((how) => {
    if (!stopping) ending.fail(new BenchFailedError(`${options.name} ended with ${how}: ${log()}`));
  });
  return child;
}

/** A process that says one thing, once it is ready. */
function startHelper<Ready>(stage: Stage, workspace: Workspace, options: ProcessOptions): Promise<Ready> {
  const child = startOne(stage, workspace, options);
  return stage.ending.before(new Promise<Ready>((resolve) => child.once('message', resolve)));
}
