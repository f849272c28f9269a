import { count, type Ending, type Screen, type Stage } from '../../dev/demo/context.ts';
import type { OdooProtocol } from '../../src/odoo/types.ts';
import { withResources } from '../../src/shared/lifecycle.ts';
import type { Figure } from '../frame/figure.ts';
import { takeTurns } from '../frame/figure.ts';
import { measureRun, openScratchMirror } from '../frame/mirror.ts';
import { startBenchSandbox } from '../frame/sandbox.ts';
import type { Servers } from '../frame/servers.ts';
import { startServers } from '../frame/servers.ts';
import type { NaiveOdoo } from '../rival/naive.ts';
import { openFetchClient } from '../sync/contest.ts';
import { bareCalls } from './bare.ts';

interface IncrementalOptions {
  readonly rounds: number;
  /** BCs in the sandbox, about five lines each; not used where an Odoo is given. */
  readonly documents: number;
  readonly protocol: OdooProtocol;
  /** A real server without other writers; null: a sandbox. */
  readonly odoo: NaiveOdoo | null;
}

const LINES = 5;
const MOST_CALLS = 6;
/** In times of the same calls made bare. */
const AT_MOST = 1.3;
/** Windows reach back by this many seconds. Earlier records must be in none of them. */
const OVERLAP = 1;
/** Runs and calls before the first one that counts. */
const WARM_UP = 3;

/** Incremental runs with nothing to do, in turns with the same calls made one after another and nothing else. */
export async function measureIncremental(
  options: IncrementalOptions,
  ending: Ending,
  screen: Screen,
): Promise<Figure[]> {
  const { rounds, protocol } = options;
  return withResources(async (defer) => {
    const stage = { ending, screen, defer };
    const servers = await startServers(stage);
    const odoo = options.odoo ?? (await sandboxLogin(stage, servers, options.documents));
    const { client, model } = await openFetchClient(odoo, protocol, defer);
    const mirror = await openScratchMirror(stage, servers, {
      ...{ ODOO_URL: odoo.url, ODOO_DB: odoo.db, ODOO_USER: odoo.user, ODOO_PASSWORD: odoo.password },
      ...{ ODOO_PROTOCOL: protocol, SYNC_OVERLAP: `${OVERLAP}s` },
    });
    const { documents } = await measureRun(stage, mirror, 'full', {});
    screen.line(`${count(documents)} BC are mirrored`);
    await ending.pause((OVERLAP + 2) * 1000);
    const measures = [
      () => measureRun(stage, mirror, 'incremental', { seen: 0 }),
      () => ending.before(bareCalls(client, model)),
    ] as const;
    await takeTurns(WARM_UP, measures);
    const [runs, bare] = await takeTurns(rounds, measures);
    return figures(runs, bare, documents);
  });
}

interface Run {
  readonly seconds: number;
  readonly secondsFromRequest: number;
  readonly calls: number;
}

function figures(runs: readonly Run[], bare: readonly number[], documents: number): Figure[] {
  const title = `An incremental run with nothing to do, ${count(documents)} BC`;
  const beside = { name: 'its calls, one after another', values: bare };
  return [
    {
      ...{ id: 'incremental.run', title: `${title}: from its start to its end`, unit: 'ms' },
      ours: { name: 'the run', values: runs.map(({ seconds }) => seconds * 1000) },
      ...{ beside, target: { is: 'at most', ratio: AT_MOST } },
    },
    {
      ...{ id: 'incremental.request', title: `${title}: from the request to its end`, unit: 'ms' },
      ours: { name: 'the run', values: runs.map(({ secondsFromRequest }) => secondsFromRequest * 1000) },
      ...{ beside, target: null },
    },
    {
      ...{ id: 'incremental.calls', title: `${title}: calls to Odoo`, unit: 'calls' },
      ours: { name: 'the run', values: runs.map(({ calls }) => calls) },
      beside: { name: 'allowed', values: [MOST_CALLS] },
      target: { is: 'at most', ratio: 1 },
    },
  ];
}

async function sandboxLogin(stage: Stage, { workspace }: Servers, documents: number): Promise<NaiveOdoo> {
  const { login } = await startBenchSandbox(stage, workspace, { documents, lines: LINES });
  const { ODOO_URL: url = '', ODOO_DB: db = '', ODOO_USER: user = '', ODOO_PASSWORD: password = '' } = login;
  return { url, db, user, password };
}
