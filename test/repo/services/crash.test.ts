import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { expect, it } from 'vitest';
import { z } from 'zod';
import { CONTAINER_LABEL } from '../../../dev/services/docker.ts';
import { answers, askPostgres, askRedis } from '../../../src/embedded/probes.ts';
import { redisOnPath } from '../../../src/embedded/redis.ts';
import { waitFor } from '../../support/wait-for.ts';
import { engineWithImages } from './engine.ts';

const OWNER = `
import { startServices } from './dev/services/index.ts';
const services = await startServices({ log: () => {} });
process.stdout.write(JSON.stringify(services) + '\\n');
setInterval(() => {}, 1000);
`;

const Started = z.object({ databaseUrl: z.string(), redisUrl: z.string(), source: z.string() });

const noBinaries = redisOnPath(process.env['PATH']) === undefined;
const engine = await engineWithImages();

it.skipIf(noBinaries).each(['SIGKILL', 'SIGTERM', 'SIGINT'] as const)(
  'leaves no server and no directory when its owner ends by %s',
  (signal) => endsWithItsOwner(signal, 'binaries', { DOCKER_HOST: 'unix:///nonexistent.sock' }),
);

it.skipIf(engine === null)('leaves no container when its owner is killed', () =>
  endsWithItsOwner('SIGKILL', 'docker', {}),
);

async function endsWithItsOwner(signal: NodeJS.Signals, source: string, environment: NodeJS.ProcessEnv) {
  const directory = await mkdtemp(join(tmpdir(), 'passerelle-crash-'));
  await chmod(directory, 0o755);
  const owner = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '--eval', OWNER], {
    env: { ...process.env, ...environment, TMPDIR: directory, TEST_DATABASE_URL: '', TEST_REDIS_URL: '' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  try {
    const line = await Promise.race([
      once(createInterface(owner.stdout), 'line').then(([text]) => text),
      once(owner, 'exit').then(([code]) => Promise.reject(new Error(`the owner ended with ${code}`))),
    ]);
    const services = Started.parse(JSON.parse(line));
    expect(services.source).toBe(source);
    await askPostgres(services.databaseUrl);
    await askRedis(services.redisUrl);

    const [workspace] = workspaces(await readdir(directory));
    owner.kill(signal);

    await waitFor(async () => !(await answers(askPostgres(services.databaseUrl))), 'the end of PostgreSQL');
    await waitFor(async () => !(await answers(askRedis(services.redisUrl))), 'the end of Redis');
    await waitFor(async () => workspaces(await readdir(directory)).length === 0, 'the directory to vanish');
    await waitFor(async () => !(await containersOf(workspace)), 'the containers to vanish');
  } finally {
    owner.kill('SIGKILL');
    await rm(directory, { recursive: true, force: true });
  }
}

/** Whether the engine has containers of the workspace, stopped ones included. */
async function containersOf(workspace: string | undefined): Promise<boolean> {
  const filters = { label: [`${CONTAINER_LABEL}=${workspace}`] };
  const containers = await engine?.container.dockerode.listContainers({ all: true, filters });
  return containers !== undefined && containers.length > 0;
}

/** tsx and testcontainers keep things of their own in the temporary directory. */
function workspaces(names: readonly string[]): string[] {
  return names.filter((name) => name.startsWith('passerelle-'));
}
