import { count, type Ending, type Screen, type Stage } from '../../dev/demo/context.ts';
import type { OdooProtocol } from '../../src/odoo/types.ts';
import { withResources } from '../../src/shared/lifecycle.ts';
import type { Figure } from '../frame/figure.ts';
import { takeTurns } from '../frame/figure.ts';
import type { Section } from '../frame/section.ts';
import { machine } from '../frame/section.ts';
import type { Servers } from '../frame/servers.ts';
import { startServers } from '../frame/servers.ts';
import { measureIncremental } from '../incremental/bench.ts';
import { ourFetcher } from '../rival/bare-fetch.ts';
import type { NaiveOdoo } from '../rival/naive.ts';
import { plainFetcher } from '../rival/plain-fetcher.ts';
import type { Size } from '../sync/contest.ts';
import { mirrorTwice, naiveTwice, openFetchClient, wholeFetch } from '../sync/contest.ts';
import { syncFigures } from '../sync/figures.ts';

export interface LiveOptions {
  readonly rounds: number;
  /** BCs that the naive rival copies: it is measured on a part, as all would take it too long. */
  readonly sample: number;
  /** By which the server is asked, the best first. */
  readonly protocols: readonly OdooProtocol[];
}

/** A real Odoo, and who signs in. */
export interface LiveOdoo extends NaiveOdoo {
  /** For JSON-2, which takes no password; null if the server has no JSON-2. */
  readonly apiKey: string | null;
}

const NAMES = { json2: 'JSON-2', jsonrpc: 'JSON-RPC', xmlrpc: 'XML-RPC' } as const;
/** How long a full sync may take, in bare fetches by the same protocol. */
const AT_MOST = { json2: 1.15, jsonrpc: 1.15, xmlrpc: 1.3 } as const;

/**
 * Full syncs of a real Odoo by each protocol: the first, and one where nothing changed. The naive rival runs beside
 * the first of the protocols, and only by that one incremental runs with nothing to do are measured.
 *
 * @throws MeasurementFailedError when anything was not copied as it has to be.
 */
export async function* measureLive(
  options: LiveOptions,
  odoo: LiveOdoo,
  ending: Ending,
  screen: Screen,
): AsyncGenerator<Section> {
  const { rounds, sample, protocols } = options;
  for (const [at, protocol] of protocols.entries()) {
    const best = at === 0;
    const measured = await withResources((defer) =>
      measureProtocol({ ending, screen, defer }, odoo, protocol, rounds, best ? sample : 0),
    );
    const size = sizeText(measured.size, best ? sample : 0);
    yield section(`sync-${protocol}`, rounds, measured, size, measured.figures);
    if (best) {
      screen.line('Incremental runs with nothing to do');
      const polling = { rounds, documents: 0, protocol, odoo: loginBy(odoo, protocol) };
      const figures = await measureIncremental(polling, ending, screen);
      yield section(`incremental-${protocol}`, rounds, measured, sizeText(measured.size, 0), figures);
    }
  }
}

function section(
  name: string,
  rounds: number,
  { version, servers }: { readonly version: string; readonly servers: Servers },
  size: string,
  figures: readonly Figure[],
): Section {
  return {
    ...{ name, on: `Odoo ${/^\D*\d+(\.\d+)?/.exec(version)?.[0] ?? version}` },
    ...{ date: new Date().toISOString(), machine: machine(), rounds, size, figures },
    servers: { ...servers.versions, Odoo: version },
  };
}

async function measureProtocol(
  stage: Stage,
  odoo: LiveOdoo,
  protocol: OdooProtocol,
  rounds: number,
  sample: number,
) {
  const servers = await startServers(stage);
  const login = loginBy(odoo, protocol);
  const { client, model } = await openFetchClient(login, protocol, stage.defer);
  const { version, uid } = await client.connect();
  const size = {
    documents: await client.searchCount(model.header.name, []),
    lines: await client.searchCount(model.line.name, []),
  };
  stage.screen.line(`Odoo ${version} by ${NAMES[protocol]}: ${sizeText(size, sample)}`);
  const plain = plainFetcher(protocol, login, uid, model);
  stage.defer(() => plain.close());
  const fetchers = { ours: ourFetcher(client, model), plain };
  // Odoo fills its caches once, for all who come after.
  await wholeFetch(stage, fetchers.ours, size);
  const contest = { stage, servers, login, protocol, size };
  const figures = await figuresOf(contest, fetchers, rounds, Math.min(sample, size.documents));
  return { version, size, servers, figures };
}

interface LiveContest {
  readonly stage: Stage;
  readonly servers: Servers;
  readonly login: NaiveOdoo;
  readonly protocol: OdooProtocol;
  readonly size: Size;
}

interface Fetchers {
  readonly ours: ReturnType<typeof ourFetcher>;
  readonly plain: ReturnType<typeof plainFetcher>;
}

async function figuresOf(
  { stage, servers, login, protocol, size }: LiveContest,
  fetchers: Fetchers,
  rounds: number,
  sample: number,
): Promise<Figure[]> {
  const [ours, bare, plain, naive] = await takeTurns(rounds, [
    () => mirrorTwice(stage, servers, login, protocol, size),
    () => wholeFetch(stage, fetchers.ours, size),
    () => wholeFetch(stage, fetchers.plain, size),
    async () => (sample === 0 ? null : naiveTwice(stage, servers, login, sample)),
  ] as const);
  const by = NAMES[protocol];
  return [
    ...syncFigures({
      ...{ id: `live.${protocol}`, by, ours, bare, atMost: AT_MOST[protocol] },
      naive: naive.filter((round) => round !== null),
    }),
    {
      id: `live.${protocol}.fetch`,
      title: `Bare fetch by ${by}`,
      unit: 's',
      ours: { name: 'by our client', values: bare.map(({ seconds }) => seconds) },
      beside: { name: 'by undici alone', values: plain.map(({ seconds }) => seconds) },
      target: null,
    },
  ];
}

function loginBy({ url, db, user, password, apiKey }: LiveOdoo, protocol: OdooProtocol): NaiveOdoo {
  return { url, db, user, password: protocol === 'json2' ? (apiKey ?? password) : password };
}

function sizeText({ documents, lines }: Size, sample: number): string {
  const all = `${count(documents)} BC with ${count(lines)} lines`;
  return sample === 0 ? all : `${all}, the naive rival ${count(Math.min(sample, documents))} BC`;
}
