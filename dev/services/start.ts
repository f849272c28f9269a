import { askPostgres, askRedis } from './ask.ts';
import { startPostgresContainer, startRedisContainer } from './containers.ts';
import { findEngine } from './docker.ts';
import { ServerUnreachableError } from './errors.ts';
import { startPostgresBinaries } from './postgres-binaries.ts';
import { startRedisBinary } from './redis-binaries.ts';
import { findRedis } from './redis-finder.ts';
import type { Workspace } from './workspace.ts';
import { openWorkspace } from './workspace.ts';

/** The ways to come by a server, in the order they are tried. */
const SOURCES = ['given', 'docker', 'binaries'] as const;
type ServiceSource = (typeof SOURCES)[number];

export interface Services {
  readonly databaseUrl: string;
  readonly redisUrl: string;
  /** How the servers were come by; where the two differ, the later way of the two. */
  readonly source: ServiceSource;
  /** Stops and removes whatever was started. Given servers are left as they are. */
  stop(): Promise<void>;
}

interface ServicesOptions {
  /** Takes one line of progress at a time; no line holds a secret. */
  readonly log: (line: string) => void;
  /** Names of the environment variables that may give the URLs. */
  readonly variables?: { readonly database: string; readonly redis: string };
}

interface Server {
  readonly url: string;
  readonly source: ServiceSource;
  readonly stop?: () => Promise<unknown>;
}

/** The differences of PostgreSQL and Redis; the ways and their order are the same for both. */
interface Kind {
  readonly name: string;
  readonly variable: string;
  readonly ask: (url: string) => Promise<void>;
  readonly container: typeof startPostgresContainer;
  readonly binaries: (workspace: Workspace) => Promise<string>;
}

/** Shared resources for starting both servers; each is made when first needed. */
interface Means {
  readonly log: (line: string) => void;
  readonly workspace: () => Promise<Workspace>;
  readonly engine: () => ReturnType<typeof findEngine>;
}

const TEST_VARIABLES = { database: 'TEST_DATABASE_URL', redis: 'TEST_REDIS_URL' };

/**
 * Real PostgreSQL and Redis servers, each come by in the first of these ways that works: a URL in the
 * environment, a container, binaries of this machine. Servers started here end with this process, in
 * whatever way it ends.
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
