import { count, type Ending, type Screen } from '../../dev/demo/context.ts';
import { withResources } from '../../src/shared/lifecycle.ts';
import { MeasurementFailedError } from '../frame/errors.ts';
import type { Figure } from '../frame/figure.ts';
import { takeTurns } from '../frame/figure.ts';
import { startBenchSandbox } from '../frame/sandbox.ts';
import { startServers } from '../frame/servers.ts';
import { ourFetcher } from '../rival/bare-fetch.ts';
import type { NaiveOdoo } from '../rival/naive.ts';
import { mirrorTwice, naiveTwice, openFetchClient, wholeFetch } from './contest.ts';
import { syncFigures } from './figures.ts';

interface SyncOptions {
  readonly rounds: number;
  /** BCs in the sandbox, about five lines each. */
  readonly documents: number;
  /** BCs that the naive rival copies: it is measured on a part, as all would take it too long. */
  readonly sample: number;
}

const LINES = 5;
const PROTOCOL = 'json2';

/**
 * Full syncs through the queue, one job for each BC, beside a bare fetch and beside the naive rival, all of the same
 * sandbox Odoo: the first, and one where nothing changed.
 *
 * @throws MeasurementFailedError when anything was not copied as it has to be.
 */
export async function measureSync(options: SyncOptions, ending: Ending, screen: Screen): Promise<Figure[]> {
  const { rounds, documents, sample } = options;
  return withResources(async (defer) => {
    const stage = { ending, screen, defer };
    const servers = await startServers(stage);
    const { login, ...size } = await startBenchSandbox(stage, servers.workspace, { documents, lines: LINES });
    screen.line(`A sandbox Odoo with ${count(size.documents)} BC and ${count(size.lines)} lines`);
    const odoo = loginOf(login);
    const { client, model } = await openFetchClient(odoo, PROTOCOL, defer);
    const fetcher = ourFetcher(client, model);
    await wholeFetch(stage, fetcher, size);
    const [ours, bare, naive] = await takeTurns(rounds, [
      () => mirrorTwice(stage, servers, odoo, PROTOCOL, size),
      () => wholeFetch(stage, fetcher, size),
      () => naiveTwice(stage, servers, odoo, sample),
    ] as const);
    return syncFigures({ id: 'sync', by: 'JSON-2', ours, naive, bare, atMost: null });
  });
}

function loginOf(login: Readonly<Record<string, string>>): NaiveOdoo {
  const { ODOO_URL: url, ODOO_DB: db, ODOO_USER: user, ODOO_PASSWORD: password } = login;
  if (url === undefined || db === undefined || user === undefined || password === undefined)
    throw new MeasurementFailedError('The sandbox gave no login');
  return { url, db, user, password };
}
