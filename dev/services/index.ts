import { ServerUnreachableError } from '../../src/embedded/errors.ts';
import { startPostgresBinaries } from '../../src/embedded/postgres.ts';
import { askPostgres, askRedis } from '../../src/embedded/probes.ts';
import { findRedis, startRedisBinary } from '../../src/embedded/redis.ts';
import { openWorkspace, type Workspace } from '../../src/embedded/workspace.ts';
import { findEngine, startPostgresContainer, startRedisContainer } from './docker.ts';

/** The sources of a server, in the order in which they are tried. */
const SOURCES = ['given', 'docker', 'binaries'] as const;
type ServiceSource = (typeof SOURCES)[number];

export interface Services {
  readonly databaseUrl: string;
  readonly redisUrl: string;
  /** The source of the servers; if they differ, the later one. */
  readonly source: ServiceSource;
  /** Stops and removes all that was started. Given servers are left unchanged. */
  stop(): Promise<void>;
}

interface ServicesOptions {
  /** Receives one line of progress at a time, without secrets. */
  readonly log: (line: string) => void;
  /** Names of the environment variables with the URLs. */
  readonly variables?: { readonly database: string; readonly redis: string };
}

interface Server {
  readonly url: string;
  readonly source: ServiceSource;
  readonly stop?: () => Promise<unknown>;
}

/** The differences of PostgreSQL and Redis. Sources and their order are the same for both. */
interface Kind {
  readonly name: string;
  readonly variable: string;
  readonly ask: (url: string) => Promise<void>;
  readonly container: typeof startPostgresContainer;
  readonly binaries: (workspace: Workspace) => Promise<string>;
}

/** Shared resources for the start of both servers, created when needed. */
interface Means {
  readonly log: (line: string) => void;
  readonly workspace: () => Promise<Workspace>;
  readonly engine: () => ReturnType<typeof findEngine>;
}

const TEST_VARIABLES = { database: 'TEST_DATABASE_URL', redis: 'TEST_REDIS_URL' };

/**
 * Starts or finds a real PostgreSQL and a real Redis, each from the first source that works: a URL in the environment,
 * a container, or binaries of this machine. Servers that it starts end with this process, also after a crash.
 *
 * @throws ServerUnreachableError, RedisMissingError, ServerFailedError
 */
export async function startServices({ log, variables = TEST_VARIABLES }: ServicesOptions): Promise<Services> {
  let workspace: Promise<Workspace> | undefined;
  let engine: ReturnType<typeof findEngine> | undefined;
  const means: Means = {
    log,
    workspace: () => (workspace ??= openWorkspace()),
    engine: () => (engine ??= findEngine()),
  };
  const starts = [
    startServer(postgresql(variables.database), means),
    startServer(redis(variables.redis, log), means),
  ];
  const settled = await Promise.allSettled(starts);
  const servers = settled.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
  const stop = async () => {
    await Promise.allSettled(servers.map((server) => server.stop?.()));
    await (await workspace)?.clean();
  };
  const [database, queue] = servers;
  if (database === undefined || queue === undefined) {
    await stop();
    throw settled.find((result) => result.status === 'rejected')?.reason;
  }
  const source = SOURCES.findLast((way) => way === database.source || way === queue.source) ?? 'given';
  return { databaseUrl: database.url, redisUrl: queue.url, source, stop };
}

function postgresql(variable: string): Kind {
  return {
    name: 'PostgreSQL',
    variable,
    ask: askPostgres,
    container: startPostgresContainer,
    binaries: startPostgresBinaries,
  };
}

function redis(variable: string, log: Means['log']): Kind {
  return {
    name: 'Redis',
    variable,
    ask: askRedis,
    container: startRedisContainer,
    binaries: async (workspace) => startRedisBinary(workspace, await findRedis(log)),
  };
}

async function startServer(kind: Kind, { log, workspace, engine }: Means): Promise<Server> {
  const given = process.env[kind.variable];
  if (given !== undefined && given !== '') {
    await kind.ask(given).catch((error: unknown) => {
      throw new ServerUnreachableError(kind.variable, error);
    });
    log(`${kind.name}: the one of ${kind.variable}`);
    return { url: given, source: 'given' };
  }
  const docker = await engine();
  const container = docker && (await kind.container(docker, await workspace(), log));
  if (container !== null) {
    log(`${kind.name}: in a container`);
    return { ...container, source: 'docker' };
  }
  const url = await kind.binaries(await workspace());
  log(`${kind.name}: from binaries of this machine`);
  return { url, source: 'binaries' };
}

export { RedisMissingError, ServerUnreachableError } from '../../src/embedded/errors.ts';
