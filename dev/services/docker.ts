import { connect } from 'node:net';
import type { ContainerRuntimeClient } from 'testcontainers';
import { errorMessage } from '../../src/shared/errors.ts';
import { answers } from './ask.ts';
import { poll } from './poll.ts';
import type { Workspace } from './workspace.ts';
import { CONTAINER_LABEL } from './workspace.ts';

/** Long enough for a busy engine, short enough for a dead one to cost little. */
const ENGINE_LIMIT_MS = 2000;
const ANSWER_LIMIT_MS = 60_000;

interface ContainerRequest {
  readonly image: string;
  readonly port: number;
  readonly command: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  /** The server's URL, from `host:port`. */
  readonly url: (address: string) => string;
  /** Throws as long as the server does not answer. */
  readonly ask: (url: string) => Promise<void>;
}

interface RunningContainer {
  readonly url: string;
  stop(): Promise<unknown>;
}

/** An engine that answers, or null. A DOCKER_HOST that is set and dead means none, whatever else is there. */
export async function findEngine(): Promise<ContainerRuntimeClient | null> {
  const host = process.env['DOCKER_HOST'];
  if (host !== undefined && host !== '' && !(await connects(host))) return null;
  const { getContainerRuntimeClient } = await import('testcontainers');
  return within(ENGINE_LIMIT_MS, getContainerRuntimeClient()).catch(() => null);
}

/**
 * Starts a container and returns when its server answers. The image is the one that is there, else it is
 * pulled. Returns null, with a line in the log, when that cannot be done.
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
    workspace.ownContainers();
    const container = await new GenericContainer(request.image)
      .withLabels({ [CONTAINER_LABEL]: workspace.name })
      .withEnvironment({ ...request.environment })
      .withCommand([...request.command])
      .withExposedPorts(request.port)
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
 * The image of testcontainers' reaper may not be to be had; containers start without it all the same, and the
 * workspace's watcher removes them.
 */
async function withoutReaperIfNeedBe(engine: ContainerRuntimeClient): Promise<void> {
  const { getReaper } = await import('testcontainers');
  try {
    await getReaper(engine);
  } catch {
    process.env['TESTCONTAINERS_RYUK_DISABLED'] = 'true';
  }
}

/** Whether something takes connections at `unix:///path` or `tcp://host:port`. */
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
