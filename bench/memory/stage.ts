import { randomBytes } from 'node:crypto';
import { cpus, totalmem } from 'node:os';
import type { Stage } from '../../dev/demo/stage.ts';
import { atMost } from '../../dev/demo/stage.ts';
import { openDemoQueues, openMigrated } from '../../dev/demo/stores.ts';
import { startServices } from '../../dev/services/index.ts';
import { poll } from '../../dev/services/poll.ts';
import type { Workspace } from '../../dev/services/workspace.ts';
import { openWorkspace } from '../../dev/services/workspace.ts';
import { createLogger } from '../../src/logger.ts';
import { openRedis } from '../../src/queues/connection.ts';
import type { MemoryOptions } from './bench.ts';
import { BenchFailedError } from './errors.ts';
import type { Environment } from './process.ts';
import { startProcess, stopProcess } from './process.ts';
import type { SandboxReply, SandboxRequest } from './sandbox.ts';
import { Watch } from './watch.ts';

/** What of the caller's environment the processes get: nothing that could reach his own servers. */
const PASSED_ON =
  /^(PATH|HOME|TMPDIR|LANG|NODE_\w+|SYNC_\w+|RETAIN_\w+|ODOO_(PROTOCOL|CONCURRENCY|CALLS_PER_SECOND))$/;
const NOTHING_BY_ITSELF = {
  SYNC_EVERY: 'off',
  FULL_SYNC_CRON: 'off',
  SWEEP_EVERY: 'off',
  PRUNE_EVERY: 'off',
};
const START_LIMIT_MS = 60_000;
const STOP_LIMIT_MS = 20_000;

/** Servers, database and queues, the sandbox, and eyes on all of it. Everything is deferred. */
export async function setStage(stage: Stage, options: MemoryOptions) {
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
  const db = await openMigrated(stage, databaseUrl);
  const prefix = `passerelle-bench-${randomBytes(4).toString('hex')}`;
  const queues = openDemoQueues(stage, redisUrl, prefix, true);
  const redis = openRedis(redisUrl, 'producer', createLogger('silent', 'bench'));
  defer(() => redis.disconnect());
  const watch = new Watch(redis);
  defer(() => watch.stop());
  const sandbox = await startSandbox(stage, workspace, options);
  const env: Environment = {
    ...passedOn(),
    ...NOTHING_BY_ITSELF,
    ...sandbox.login,
    ...{ LOG_LEVEL: 'warn', DATABASE_URL: databaseUrl, REDIS_URL: redisUrl, QUEUE_PREFIX: prefix },
  };
  for (let number = 1; number <= options.workers; number += 1) {
    startWorker(stage, workspace, env, { name: `worker-${number}`, watch });
  }
  await ending.before(poll(() => watch.hears(options.workers), 'the workers', START_LIMIT_MS));
  return { ...stage, workspace, db, queues, watch, sandbox, env };
}

export type BenchStage = Awaited<ReturnType<typeof setStage>>;

/** The machine in one line. */
export function machine(): string {
  const [cpu] = cpus();
  const memory = Math.round(totalmem() / 2 ** 30);
  return `${cpus().length} × ${cpu?.model ?? 'CPU'}, ${memory} GB, Node ${process.versions.node}`;
}

function passedOn(): Environment {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => PASSED_ON.test(name)));
}

/** A worker as in production. It must not end before it is stopped. */
function startWorker(
  { ending, defer }: Stage,
  workspace: Workspace,
  env: Environment,
  { name, watch }: { readonly name: string; readonly watch: Watch },
): void {
  const worker = startProcess(workspace, {
    ...{ name, module: 'workers/main', env },
    heard: watch.listener(name),
  });
  let stopping = false;
  defer(() => {
    stopping = true;
    return stopProcess(worker.child);
  });
  worker.exit.then((how) => {
    if (!stopping) ending.fail(new BenchFailedError(`The ${name} ended with ${how}: ${worker.log()}`));
  });
}

async function startSandbox(
  { ending, defer }: Stage,
  workspace: Workspace,
  { documents, lines, text }: MemoryOptions,
) {
  const args = [documents, lines, text].map(String);
  const { child, exit, log } = startProcess(workspace, {
    ...{ name: 'sandbox', module: 'bench/memory/sandbox', args, env: passedOn() },
  });
  defer(() => stopProcess(child));
  const reply = <Kind extends SandboxReply['kind']>(kind: Kind) =>
    ending.before(
      new Promise<Extract<SandboxReply, { kind: Kind }>>((resolve, reject) => {
        const hear = (message: SandboxReply) => {
          if (isOf(message, kind)) resolve(message);
        };
        child.once('message', hear);
        exit.then((how) => reject(new BenchFailedError(`The sandbox ended with ${how}: ${log()}`)));
      }),
    );
  const { login, size } = await reply('ready');
  const ask = (request: SandboxRequest) => void child.send(request);
  return {
    login,
    size,
    change: () => {
      ask('change');
      return reply('changed');
    },
    calls: async () => {
      ask('calls');
      return (await reply('calls')).calls;
    },
  };
}

function isOf<Kind extends SandboxReply['kind']>(
  message: SandboxReply,
  kind: Kind,
): message is Extract<SandboxReply, { kind: Kind }> {
  return message.kind === kind;
}
