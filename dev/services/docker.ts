import { randomBytes } from 'node:crypto';
import { connect } from 'node:net';
import type { ContainerRuntimeClient } from 'testcontainers';
import { answers, askPostgres, askRedis, poll } from '../../src/embedded/probes.ts';
import type { Workspace } from '../../src/embedded/workspace.ts';
import { errorMessage } from '../../src/shared/errors.ts';

/** Long enough for a busy engine, and short enough to wait for a dead one. */
const ENGINE_LIMIT_MS = 10_000;
/** A busy machine needs more than a minute for the first start of PostgreSQL in a container. */
const ANSWER_LIMIT_MS = 240_000;

/** Label of every container of a workspace. Its value is the name of the workspace. */
export const CONTAINER_LABEL = 'passerelle.services';

interface ContainerRequest {
  readonly image: string;
  readonly port: number;
  readonly command: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  /** The URL of the server, from `host:port`. */
  readonly url: (address: string) => string;
  /** Throws while the server does not answer. */
  readonly ask: (url: string) => Promise<void>;
}

interface RunningContainer {
  readonly url: string;
  stop(): Promise<unknown>;
}

/** An engine that answers, or null. If DOCKER_HOST is set and does not answer, no other engine is used. */
export async function findEngine(): Promise<ContainerRuntimeClient | null> {
  const host = process.env['DOCKER_HOST'];
  if (host !== undefined && host !== '' && !(await connects(host))) return null;
  const { getContainerRuntimeClient } = await import('testcontainers');
  return within(ENGINE_LIMIT_MS, getContainerRuntimeClient()).catch(() => null);
}

/**
 * Starts a container and returns when its server answers. Pulls the image if it is missing. Returns null, with a line
 * in the log, if that is not possible.
 */
export async function startContainer(
  engine: ContainerRuntimeClient,
  workspace: Workspace,
  log: (line: string) => void,
  request: ContainerRequest,
): Promise<RunningContainer | null> {
  const { GenericContainer } = await import('testcontainers');
  try {
    await providesImage(engine, log, request.image);
    await withoutReaperIfNeedBe(engine);
    workspace.atEnd(
      `ids=$(docker ps --all --quiet --filter label=${CONTAINER_LABEL}=${workspace.name}); [ -z "$ids" ] || docker rm --force --volumes $ids`,
    );
    const container = await new GenericContainer(request.image)
      .withLabels({ [CONTAINER_LABEL]: workspace.name })
      .withEnvironment({ ...request.environment })
      .withCommand([...request.command])
      .withExposedPorts(request.port)
      .withStartupTimeout(ANSWER_LIMIT_MS)
      .start();
    const url = request.url(`${container.getHost()}:${container.getMappedPort(request.port)}`);
    await poll(() => answers(request.ask(url)), `an answer of ${request.image}`, ANSWER_LIMIT_MS);
    return { url, stop: () => container.stop() };
  } catch (error) {
    log(`Docker: no ${request.image} (${firstLine(error)}), going on without`);
    return null;
  }
}

async function providesImage(engine: ContainerRuntimeClient, log: (line: string) => void, name: string) {
  const { ImageName } = await import('testcontainers');
  const image = ImageName.fromString(name);
  if (await engine.image.exists(image)) return;
  log(`Docker: pulling ${name}`);
  await engine.image.pull(image);
  if (!(await engine.image.exists(image))) throw new Error('the image could not be pulled');
}

/**
 * The reaper image of testcontainers may be unavailable. Containers start without it, and the watcher of the workspace
 * removes them.
 */
async function withoutReaperIfNeedBe(engine: ContainerRuntimeClient): Promise<void> {
  const { getReaper } = await import('testcontainers');
  try {
    await getReaper(engine);
  } catch {
    process.env['TESTCONTAINERS_RYUK_DISABLED'] = 'true';
  }
}

/** Whether a server accepts connections at `unix:///path` or `tcp://host:port`. */
function connects(url: string): Promise<boolean> {
  const { protocol, pathname, hostname, port } = new URL(url);
  const socket =
    protocol === 'unix:' ? connect({ path: pathname }) : connect({ host: hostname, port: Number(port) });
  return new Promise<boolean>((resolve) => {
    socket.setTimeout(ENGINE_LIMIT_MS, () => resolve(false));
    socket.on('connect', () => resolve(true));
    socket.on('error', () => resolve(false));
  }).finally(() => socket.destroy());
}

async function within<T>(limitMs: number, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error('no answer in time')), limitMs);
  });
  return Promise.race([work, limit]).finally(() => clearTimeout(timer));
}

function firstLine(error: unknown): string {
  return errorMessage(error).split('\n')[0] ?? '';
}

type Log = (line: string) => void;

/** PostgreSQL 17 in a container, or null if that is not possible. */
export async function startPostgresContainer(engine: ContainerRuntimeClient, workspace: Workspace, log: Log) {
  const password = randomBytes(12).toString('hex');
  return startContainer(engine, workspace, log, {
    image: 'postgres:17',
    port: 5432,
    environment: { POSTGRES_USER: 'passerelle', POSTGRES_PASSWORD: password, POSTGRES_DB: 'postgres' },
    command: ['postgres', '-c', 'fsync=off', '-c', 'max_connections=200'],
    url: (address) => `postgres://passerelle:${password}@${address}/postgres`,
    ask: askPostgres,
  });
}

/** Redis 8 in a container, or null if that is not possible. */
export async function startRedisContainer(engine: ContainerRuntimeClient, workspace: Workspace, log: Log) {
  const password = randomBytes(12).toString('hex');
  return startContainer(engine, workspace, log, {
    image: 'redis:8',
    port: 6379,
    environment: {},
    command: ['redis-server', '--requirepass', password, '--maxmemory-policy', 'noeviction', '--save', ''],
    url: (address) => `redis://:${password}@${address}`,
    ask: askRedis,
  });
}
