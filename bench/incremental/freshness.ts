import { randomInt } from 'node:crypto';
import { untilReady } from '../../dev/demo/api.ts';
import type { Ending, Screen, Stage } from '../../dev/demo/context.ts';
import { choosePort, urlOf } from '../../dev/demo/servers.ts';
import { poll } from '../../dev/services/poll.ts';
import { createApiKey } from '../../src/db/api-keys.ts';
import { readState } from '../../src/db/runs/lease.ts';
import { BC_KEY } from '../../src/db/schema/sync.ts';
import { withResources } from '../../src/shared/lifecycle.ts';
import { MeasurementFailedError } from '../frame/errors.ts';
import type { Figure } from '../frame/figure.ts';
import { openScratchMirror, passedOn } from '../frame/mirror.ts';
import type { Servers } from '../frame/servers.ts';
import { startServers } from '../frame/servers.ts';
import { startProcess, stopProcess } from '../memory/process.ts';
import type { WriteRequest, WritingSandboxReply } from './sandbox.ts';

interface FreshnessOptions {
  /** BCs in the sandbox, about five lines each. */
  readonly documents: number;
  readonly changes: number;
}

const EVERY_S = 5;
/** Of 95 changes in 100, in seconds. */
const AT_MOST = 6;
const HOST = '127.0.0.1';
const FIRST_RUN_LIMIT_MS = 600_000;
const LOOK_EVERY_MS = 50;
const GIVE_UP_MS = 60_000;
/** Between two changes: any moment of it is as likely. */
const LONGEST_PAUSE_MS = 1000;

/** How long a change takes from its commit in Odoo to the read API, with a run each five seconds. */
export async function measureFreshness(
  { documents, changes }: FreshnessOptions,
  ending: Ending,
  screen: Screen,
): Promise<Figure[]> {
  return withResources(async (defer) => {
    const stage = { ending, screen, defer };
    const servers = await startServers(stage);
    const sandbox = await startWritingSandbox(stage, servers, documents);
    const mirror = await openScratchMirror(stage, servers, { ...sandbox.login, SYNC_EVERY: `${EVERY_S}s` });
    const mirrored = async () => (await readState(mirror.db, BC_KEY))?.lastSync != null;
    await ending.before(poll(mirrored, 'the first full run', FIRST_RUN_LIMIT_MS));
    const { key } = await createApiKey(mirror.db, { name: 'bench', scopes: ['bc:read'] });
    const url = await startApi(stage, servers, await databaseOf(mirror, servers));
    screen.line(`${changes} changes, and a run each ${EVERY_S} s`);
    const waits: Promise<number>[] = [];
    for (let change = 1; change <= changes; change += 1) {
      await ending.pause(randomInt(LONGEST_PAUSE_MS));
      const id = sandbox.ids[randomInt(sandbox.ids.length)] ?? 0;
      const wait = sandbox.write({ id, notes: `change ${change}` });
      waits.push(wait.then((at) => untilShown({ url, key, ending }, id, change, at)));
    }
    return [figure(await ending.before(Promise.all(waits)), documents)];
  });
}

function figure(seconds: readonly number[], documents: number): Figure {
  const sorted = [...seconds].sort((a, b) => a - b);
  const share = (part: number) => sorted[Math.ceil(part * sorted.length) - 1] ?? Number.NaN;
  const latencies = [share(0.5), share(0.95), share(1)].map((value) => value.toFixed(1));
  return {
    id: 'incremental.freshness',
    title:
      `From commit in Odoo to the read API, SYNC_EVERY=${EVERY_S}s, ${seconds.length} changes of ${documents} BC ` +
      `(p50, p95 and slowest: ${latencies.join(', ')} s)`,
    unit: 's',
    ours: { name: 'p95', values: [share(0.95)] },
    beside: { name: 'allowed', values: [AT_MOST] },
    target: { is: 'at most', ratio: 1 },
  };
}

interface Reader {
  readonly url: string;
  readonly key: string;
  readonly ending: Ending;
}

/** A later change of the same BC shows that this one has been there. @returns seconds since the commit. */
async function untilShown(
  { url, key, ending }: Reader,
  id: number,
  change: number,
  at: number,
): Promise<number> {
  for (;;) {
    const response = await fetch(`${url}/api/v1/bc/${id}`, { headers: { authorization: `Bearer ${key}` } });
    const { fields } = (await response.json()) as { fields?: Record<string, unknown> };
    const shown = /^change (\d+)$/.exec(String(fields?.['notes']))?.[1];
    if (Number(shown) >= change) return (Date.now() - at) / 1000;
    if (Date.now() - at > GIVE_UP_MS) {
      throw new MeasurementFailedError(`Change ${change} of BC ${id} is not shown; HTTP ${response.status}`);
    }
    await ending.pause(LOOK_EVERY_MS);
  }
}

async function databaseOf(
  { db }: Pick<Awaited<ReturnType<typeof openScratchMirror>>, 'db'>,
  { databaseUrl }: Servers,
): Promise<string> {
  const [row] = await db.execute<{ name: string }>('select current_database() as name');
  const url = new URL(databaseUrl);
  url.pathname = `/${row?.name}`;
  return url.href;
}

async function startApi(stage: Stage, servers: Servers, databaseUrl: string): Promise<string> {
  const url = urlOf(HOST, await choosePort(HOST, 0, true));
  const { redisUrl, workspace } = servers;
  const api = startProcess(workspace, {
    ...{ name: 'api', module: 'dist/src/server.js' },
    env: {
      ...passedOn(),
      ...{ DATABASE_URL: databaseUrl, REDIS_URL: redisUrl, QUEUE_PREFIX: 'passerelle-bench-api' },
      ...{ HOST, PORT: new URL(url).port, API_RATE_LIMIT: 'off' },
    },
  });
  stage.defer(() => stopProcess(api.child));
  await untilReady(url, stage.ending);
  return url;
}

async function startWritingSandbox({ ending, defer }: Stage, { workspace }: Servers, documents: number) {
  const { child, exit, log } = startProcess(workspace, {
    ...{
      name: 'sandbox',
      module: 'bench/incremental/sandbox.ts',
      args: [String(documents)],
      env: passedOn(),
    },
  });
  defer(() => stopProcess(child));
  const heard = <Wanted>(wantedOf: (reply: WritingSandboxReply) => Wanted | null) =>
    ending.before(
      new Promise<Wanted>((resolve, reject) => {
        const hear = (reply: WritingSandboxReply) => {
          const wanted = wantedOf(reply);
          if (wanted === null) return;
          child.off('message', hear);
          resolve(wanted);
        };
        child.on('message', hear);
        exit.then((how) => reject(new MeasurementFailedError(`The sandbox ended with ${how}: ${log()}`)));
      }),
    );
  const { login, ids } = await heard((reply) => (reply.kind === 'ready' ? reply : null));
  return {
    login,
    ids,
    /** @returns when it was committed. */
    write: (request: WriteRequest): Promise<number> => {
      const at = heard((reply) =>
        reply.kind === 'written' && reply.notes === request.notes ? reply.at : null,
      );
      child.send(request);
      return at;
    },
  };
}
