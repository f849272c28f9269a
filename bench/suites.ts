import { count } from '../dev/demo/context.ts';
import type { Context } from './context.ts';
import { withCleanup } from './context.ts';
import { measureDecode } from './decode.ts';
import { measureGateway } from './gateway.ts';
import { measureFreshness, measureIncremental } from './incremental.ts';
import { measureReadApi } from './read-api/bench.ts';
import type { BenchCommand } from './reporting/command.ts';
import { chosen, ENVIRONMENT_HELP, FIGURE_HELP, runBench, wholeNumber } from './reporting/command.ts';
import type { Figure, Section } from './reporting/figures.ts';
import { section } from './reporting/figures.ts';
import type { Servers } from './setup/servers.ts';
import { startServers } from './setup/servers.ts';
import { measureSync } from './sync/bench.ts';

interface SuiteOptions {
  readonly rounds: number;
  /** Less data and less time. */
  readonly quick: boolean;
  /** BCs in the sandbox; null for the suite's own number. */
  readonly documents: number | null;
}

/** Figures that are measured together. */
interface Suite {
  /** The amount of data: `10,000 BC`. */
  readonly size: (options: SuiteOptions) => string;
  readonly measure: (context: Context, servers: Servers, options: SuiteOptions) => Promise<Figure[]>;
}

/** BCs of the full and the incremental syncs. */
const SYNC = { normal: 10_000, quick: 1000 };
/** BCs that the naive sync copies. */
const NAIVE_SAMPLE = { normal: 1000, quick: 100 };
/** Changes whose way to the read API is measured. */
const CHANGES = { normal: 100, quick: 5 };
/** BCs of the read API. With a million, the cost of late pages shows. */
const READ = { normal: 1_000_000, quick: 10_000 };
const LINES = 5;
/** Calls through the gateway that are not in the cache. */
const MISSES = { normal: 1000, quick: 100 };
/** Duration of the load, for each subject in a round. */
const SECONDS = { normal: 5, quick: 1 };
/** BCs that the mirror reads in one page. */
const DECODED_PAGE = 500;

type Amount = Readonly<Record<'normal' | 'quick', number>>;

const of = (amount: Amount, { quick }: SuiteOptions) => (quick ? amount.quick : amount.normal);
const documentsOf = (amount: Amount, options: SuiteOptions) => options.documents ?? of(amount, options);
const sampleOf = (options: SuiteOptions) => Math.min(of(NAIVE_SAMPLE, options), documentsOf(SYNC, options));

/** The suites of `npm run bench`, in the order of measurement. */
const suites = {
  sync: {
    size: (options) =>
      `${count(documentsOf(SYNC, options))} BC, the naive rival ${count(sampleOf(options))} of them`,
    measure: (context, servers, options) =>
      measureSync(context, servers, {
        ...{ rounds: options.rounds, documents: documentsOf(SYNC, options), sample: sampleOf(options) },
      }),
  },
  api: {
    size: (options) => `${count(documentsOf(READ, options))} BC, ${LINES} lines each`,
    measure: (context, servers, options) =>
      measureReadApi(context, servers, {
        ...{ rounds: options.rounds, seconds: of(SECONDS, options) },
        ...{ documents: documentsOf(READ, options), lines: LINES },
      }),
  },
  gateway: {
    size: () => '',
    measure: (context, servers, options) =>
      measureGateway(context, servers, {
        ...{ rounds: options.rounds, seconds: of(SECONDS, options), misses: of(MISSES, options) },
      }),
  },
  incremental: {
    size: (options) => `${count(documentsOf(SYNC, options))} BC, ${of(CHANGES, options)} changes`,
    measure: async (context, servers, options) => {
      const documents = documentsOf(SYNC, options);
      const polling = { rounds: options.rounds, protocol: 'json2', odoo: documents } as const;
      const changes = of(CHANGES, options);
      return [
        ...(await withCleanup(context, (own) => measureIncremental(own, servers, polling))),
        await measureFreshness(context, servers, { documents, changes }),
      ];
    },
  },
  decode: {
    size: () => `pages of ${DECODED_PAGE} BC`,
    measure: ({ ending }, _servers, { rounds }) =>
      ending.before(measureDecode({ rounds, documents: DECODED_PAGE })),
  },
} satisfies Record<string, Suite>;

type SuiteName = keyof typeof suites;
const SUITE_NAMES = Object.keys(suites) as SuiteName[];

const HELP = `npm run bench [-- OPTIONS]

Measures Passerelle beside baselines in the same run, in turns. Compare only the ratios if other programs use the
machine. Everything runs on sandboxes. The servers are started and removed. Progress goes to standard error, tables to
standard output. All suites together take half an hour, and 6 GB of disk for the million BC of the read API.

  --only A,B       some of ${SUITE_NAMES.join(', ')}
  --rounds N       rounds; the figures are their medians (5)
  --quick          less data, less time and one round: a check that everything runs, not a measurement
  --documents N    BCs of each suite that has any, instead of the suite's own number
${FIGURE_HELP}

Optional environment: ${ENVIRONMENT_HELP}

Exit codes: 0 every target is met, 1 a target is missed or the measurement failed, 2 wrong usage
`;

interface Options extends SuiteOptions {
  readonly only: readonly SuiteName[];
}

const COMMAND: BenchCommand<Options> = {
  script: 'bench',
  help: HELP,
  flags: {
    only: { type: 'string' },
    rounds: { type: 'string' },
    quick: { type: 'boolean', default: false },
    documents: { type: 'string' },
  },
  read: (given) => {
    const quick = given['quick'] === true;
    return {
      only: chosen(given, 'only', SUITE_NAMES),
      rounds: given['rounds'] === undefined ? (quick ? 1 : 5) : wholeNumber(given, 'rounds', 1, 100),
      quick,
      documents: given['documents'] === undefined ? null : wholeNumber(given, 'documents', 10, 1_000_000),
    };
  },
  measure: measureSuites,
};

/** Runs `npm run bench` and ends the process. */
export function suitesCommand(args: readonly string[]): Promise<never> {
  return runBench(COMMAND, args);
}

async function* measureSuites(options: Options, context: Context): AsyncGenerator<Section> {
  const { only: names, rounds } = options;
  const servers = await startServers(context);
  for (const name of names) {
    const suite: Suite = suites[name];
    context.screen.line(`${name}:`);
    const figures = await withCleanup(context, (own) => suite.measure(own, servers, options));
    const size = suite.size(options);
    yield section({ name, on: 'sandbox', servers: servers.versions, rounds, size, figures });
  }
}
