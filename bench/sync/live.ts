import { count } from '../../dev/demo/context.ts';
import type { OdooProtocol } from '../../src/odoo/types.ts';
import type { Context } from '../context.ts';
import { withCleanup } from '../context.ts';
import { measureIncremental } from '../incremental.ts';
import type { BenchCommand } from '../reporting/command.ts';
import { chosen, ENVIRONMENT_HELP, FIGURE_HELP, runBench, wholeNumber } from '../reporting/command.ts';
import type { Figure, Section } from '../reporting/figures.ts';
import { section, takeTurns } from '../reporting/figures.ts';
import type { OdooLogin } from '../setup/sandbox-odoo.ts';
import type { Servers } from '../setup/servers.ts';
import { startServers } from '../setup/servers.ts';
import { ownFetcher, undiciFetcher } from './baselines.ts';
import type { Size } from './bench.ts';
import { fetchAll, mirrorTwice, naiveTwice, openFetchClient, syncFigures } from './bench.ts';

const HELP = `npm run bench:live [-- OPTIONS]

Measures the mirror on a real Odoo that has the models dimagaz.bc and dimagaz.bc.line. Full syncs by each protocol run
beside a bare fetch by the same protocol. By the first protocol, the naive sync and incremental runs with nothing to do
are measured too. Odoo is only read. Nobody should write to it meanwhile. PostgreSQL and Redis are started and removed.
Progress goes to standard error, tables to standard output. Ten thousand BC take an hour.

  --rounds N       rounds; the figures are their medians (5)
  --protocols A,B  some of json2, jsonrpc, xmlrpc (all that the server has)
  --sample N       BCs that the naive sync copies (500)
${FIGURE_HELP}

Environment: ODOO_URL, ODOO_DB, ODOO_USER, ODOO_PASSWORD. JSON-2 also needs ODOO_API_KEY and is left out without it.
Optional: ${ENVIRONMENT_HELP}

Exit codes: 0 every target is met, 1 a target is missed or the measurement failed, 2 wrong usage
`;

/** The fastest first, as `ODOO_PROTOCOL=auto` tries them. */
const PROTOCOLS = ['json2', 'jsonrpc', 'xmlrpc'] as const;
const NAMES = { json2: 'JSON-2', jsonrpc: 'JSON-RPC', xmlrpc: 'XML-RPC' } as const;
/** Longest duration of a full sync, in bare fetches by the same protocol. */
const AT_MOST = { json2: 1.15, jsonrpc: 1.15, xmlrpc: 1.3 } as const;

/** A real Odoo and its user. */
interface LiveOdoo extends OdooLogin {
  /** For JSON-2, which takes no password; null if the server has no JSON-2. */
  readonly apiKey: string | null;
}

interface LiveOptions {
  readonly odoo: LiveOdoo;
  readonly rounds: number;
  /** BCs that the naive sync copies. It would need too long for all of them. */
  readonly sample: number;
  readonly protocols: readonly OdooProtocol[];
}

const COMMAND: BenchCommand<LiveOptions> = {
  script: 'bench:live',
  help: HELP,
  flags: {
    rounds: { type: 'string', default: '5' },
    sample: { type: 'string', default: '500' },
    protocols: { type: 'string' },
  },
  read: (given) => {
    const odoo = odooOfEnvironment();
    const available = PROTOCOLS.filter((protocol) => protocol !== 'json2' || odoo.apiKey !== null);
    return {
      odoo,
      rounds: wholeNumber(given, 'rounds', 1, 100),
      sample: wholeNumber(given, 'sample', 1, 1_000_000),
      protocols: chosen(given, 'protocols', available),
    };
  },
  measure: measureLive,
};

/** Runs `npm run bench:live` and ends the process. */
export function liveCommand(args: readonly string[]): Promise<never> {
  return runBench(COMMAND, args);
}

/** @throws Error that names the missing variables. */
function odooOfEnvironment(): LiveOdoo {
  const { ODOO_URL: url, ODOO_DB: db, ODOO_USER: user, ODOO_PASSWORD: password, ODOO_API_KEY } = process.env;
  const missing = Object.entries({ ODOO_URL: url, ODOO_DB: db, ODOO_USER: user, ODOO_PASSWORD: password })
    .filter(([, value]) => !value)
    .map(([name]) => name);
  if (!url || !db || !user || !password) throw new Error(`Not set: ${missing.join(', ')}`);
  return { url, db, user, password, apiKey: ODOO_API_KEY || null };
}

/** @throws MeasurementFailedError if anything was not copied. */
async function* measureLive(options: LiveOptions, context: Context): AsyncGenerator<Section> {
  const { odoo, rounds, protocols } = options;
  const servers = await startServers(context);
  for (const [at, protocol] of protocols.entries()) {
    const first = at === 0;
    const login = loginBy(odoo, protocol);
    const sample = first ? options.sample : 0;
    const { version, size, figures } = await withCleanup(context, (own) =>
      measureProtocol(own, servers, login, protocol, rounds, sample),
    );
    const on = `Odoo ${/^\D*\d+(\.\d+)?/.exec(version)?.[0] ?? version}`;
    const conditions = { on, servers: { ...servers.versions, Odoo: version }, rounds };
    yield section({ ...conditions, name: `sync-${protocol}`, size: sizeText(size, sample), figures });
    if (!first) continue;
    context.screen.line('Incremental runs with nothing to do');
    const incremental = await withCleanup(context, (own) =>
      measureIncremental(own, servers, { rounds, protocol, odoo: login }),
    );
    const name = `incremental-${protocol}`;
    yield section({ ...conditions, name, size: sizeText(size, 0), figures: incremental });
  }
}

/** @param sample BCs of the naive sync; 0 if it is not measured. */
async function measureProtocol(
  context: Context,
  servers: Servers,
  login: OdooLogin,
  protocol: OdooProtocol,
  rounds: number,
  sample: number,
) {
  const { client, model } = await openFetchClient(login, protocol, context.defer);
  const { version, uid } = await client.connect();
  const size = {
    documents: await client.searchCount(model.header.name, []),
    lines: await client.searchCount(model.line.name, []),
  };
  const by = NAMES[protocol];
  context.screen.line(`Odoo ${version} by ${by}: ${sizeText(size, sample)}`);
  const own = ownFetcher(client, model);
  const undici = undiciFetcher(protocol, login, uid, model);
  context.defer(() => undici.close());
  // Odoo fills its caches during the first fetch.
  await fetchAll(context, own, size);
  const naiveSample = Math.min(sample, size.documents);
  const [ours, bare, plain, naive] = await takeTurns(rounds, [
    () => mirrorTwice(context, servers, login, protocol, size),
    () => fetchAll(context, own, size),
    () => fetchAll(context, undici, size),
    async () => (naiveSample === 0 ? null : naiveTwice(context, servers, login, naiveSample)),
  ] as const);
  const fetches: Figure = {
    id: `live.${protocol}.fetch`,
    title: `Bare fetch by ${by}`,
    unit: 's',
    ours: { name: 'by our client', values: bare.map(({ seconds }) => seconds) },
    beside: { name: 'by undici alone', values: plain.map(({ seconds }) => seconds) },
    target: null,
  };
  const syncs = syncFigures({
    ...{ id: `live.${protocol}`, by, ours, bare, atMost: AT_MOST[protocol] },
    naive: naive.filter((round) => round !== null),
  });
  return { version, size, figures: [...syncs, fetches] };
}

function loginBy({ url, db, user, password, apiKey }: LiveOdoo, protocol: OdooProtocol): OdooLogin {
  return { url, db, user, password: protocol === 'json2' ? (apiKey ?? password) : password };
}

function sizeText({ documents, lines }: Size, sample: number): string {
  const all = `${count(documents)} BC with ${count(lines)} lines`;
  return sample === 0 ? all : `${all}, the naive rival ${count(Math.min(sample, documents))} BC`;
}
