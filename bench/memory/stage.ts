import { randomBytes } from 'node:crypto';
import type { Stage } from '../../dev/demo/context.ts';
import { openDemoQueues, openMigrated } from '../../dev/demo/servers.ts';
import { poll } from '../../dev/services/poll.ts';
import type { Workspace } from '../../dev/services/workspace.ts';
import { openRedis } from '../../src/queues/redis.ts';
import { createLogger } from '../../src/shared/logger.ts';
import { NOTHING_BY_ITSELF } from '../frame/mirror.ts';
import type { Servers } from '../frame/servers.ts';
import { scratchDatabase } from '../frame/servers.ts';
import { BenchFailedError } from './errors.ts';
import type { Environment } from './process.ts';
import { startProcess, stopProcess, WORKER } from './process.ts';
import type { SandboxReply, SandboxRequest } from './sandbox.ts';
import { Watch } from './watch.ts';

/** The caller's environment for the processes, without anything that could reach the caller's own servers. */
const PASSED_ON =
  /^(PATH|HOME|TMPDIR|LANG|NODE_\w+|SYNC_\w+|RETAIN_\w+|ODOO_(PROTOCOL|CONCURRENCY|CALLS_PER_SECOND))$/;
const START_LIMIT_MS = 60_000;
/**
 * In MB. Node's own limit is too low for a million BCs, which take 5 GB. Answers have to die young: what survives
 * makes Node look through all of them again, for seconds each time.
 */
const SANDBOX_MEMORY = ['--max-old-space-size=16384', '--max-semi-space-size=128'];

interface CrewOptions {
  /** Worker processes. */
  readonly workers: number;
  /** Settings of the workers beside those of the environment. */
  readonly settings?: Environment;
}

/** A mirror of the sandbox that has never run, its workers, and eyes on all of it. Everything is deferred. */
export async function setStage(
  stage: Stage,
  { workspace, ...servers }: Servers,
  sandbox: MeasuredSandbox,
  { workers, settings = {} }: CrewOptions,
) {
  const { ending, defer } = stage;
  const databaseUrl = await scratchDatabase(servers, defer);
  const db = await openMigrated(stage, databaseUrl);
  const prefix = `passerelle-bench-${randomBytes(4).toString('hex')}`;
  const queues = openDemoQueues(stage, servers.redisUrl, prefix, true);
  const redis = openRedis(servers.redisUrl, 'producer', createLogger('silent', 'bench'));
  defer(() => redis.disconnect());
  const watch = new Watch(redis);
  defer(() => watch.stop());
  const env: Environment = {
    ...passedOn(),
    ...NOTHING_BY_ITSELF,
    ...settings,
    ...sandbox.login,
    ...{ LOG_LEVEL: 'warn', DATABASE_URL: databaseUrl, REDIS_URL: servers.redisUrl, QUEUE_PREFIX: prefix },
  };
  for (let number = 1; number <= workers; number += 1) {
    startWorker(stage, workspace, env, { name: `worker-${prefix}-${number}`, watch });
  }
  await ending.before(poll(() => watch.hears(workers), 'the workers', START_LIMIT_MS));
  return { ...stage, workspace, db, queues, watch, sandbox, env };
}

export type BenchStage = Awaited<ReturnType<typeof setStage>>;

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
    ...{ ...WORKER, name, env },
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

/** A sandbox Odoo in a process of its own. */
export async function startSandbox(
  { ending, defer }: Stage,
  workspace: Workspace,
  { documents, lines, text }: { readonly documents: number; readonly lines: number; readonly text: number },
) {
  const args = [documents, lines, text].map(String);
  const { child, exit, log } = startProcess(workspace, {
    ...{ name: 'sandbox', module: 'bench/memory/sandbox.ts', args, env: passedOn() },
    flags: SANDBOX_MEMORY,
  });
  let stopping = false;
  defer(() => {
    stopping = true;
    return stopProcess(child);
  });
  exit.then((how) => {
    if (!stopping) ending.fail(new BenchFailedError(`The sandbox ended with ${how}: ${log()}`));
  });
  const reply = <Kind extends SandboxReply['kind']>(kind: Kind) =>
    ending.before(
      new Promise<Extract<SandboxReply, { kind: Kind }>>((resolve) => {
        child.once('message', (message: SandboxReply) => {
          if (isOf(message, kind)) resolve(message);
        });
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

export type MeasuredSandbox = Awaited<ReturnType<typeof startSandbox>>;

function isOf<Kind extends SandboxReply['kind']>(
  message: SandboxReply,
  kind: Kind,
): message is Extract<SandboxReply, { kind: Kind }> {
  return message.kind === kind;
}
