import type { Ending, Screen } from '../dev/demo/context.ts';
import { withResources } from '../src/shared/lifecycle.ts';
import type { BenchCommand } from './frame/command.ts';
import { COMMON_HELP, chosen, runBench, wholeNumber } from './frame/command.ts';
import type { Section } from './frame/section.ts';
import { machine } from './frame/section.ts';
import { startServers } from './frame/servers.ts';
import type { SuiteName, SuiteOptions } from './suites.ts';
import { SUITE_NAMES, suites } from './suites.ts';

const HELP = `npm run bench [-- OPTIONS]

How fast it is, beside yardsticks measured in the same run, in turns: only the ratios say something on a machine that
does other things too. Everything runs on sandboxes; servers are started and removed. Progress goes to standard error,
tables to standard output. The whole takes half an hour, and 6 GB of disk for the million BC of the read API.

  --only A,B       some of ${SUITE_NAMES.join(', ')}
  --rounds N       rounds of which the medians are taken (5)
  --quick          less of everything, and one round: for a look, not for figures
  --documents N    BCs of a suite that has any, instead of as many as it finds right
${COMMON_HELP}

Environment, each optional: SYNC_*, ODOO_CONCURRENCY and ODOO_CALLS_PER_SECOND as in .env.example;
BENCH_DATABASE_URL (where databases may be created) and BENCH_REDIS_URL instead of servers of its own.

Exit codes: 0 every target is met, 1 one is missed or could not be measured, 2 bad usage
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
  measure: measureAll,
};

/** Runs the benchmarks and ends the process. */
export function benchCommand(args: readonly string[]): Promise<never> {
  return runBench(COMMAND, args);
}

async function* measureAll(options: Options, ending: Ending, screen: Screen): AsyncGenerator<Section> {
  const stores = options.only.some((name) => suites[name].stores);
  const versions = stores ? await storeVersions(ending, screen) : {};
  for (const name of options.only) {
    const suite = suites[name];
    screen.line(`${name}:`);
    const figures = await suite.measure(options, ending, screen);
    yield {
      ...{ name, on: 'sandbox', date: new Date().toISOString(), machine: machine() },
      ...{
        servers: suite.stores ? versions : {},
        rounds: options.rounds,
        size: suite.size(options),
        figures,
      },
    };
  }
}

/** Each suite starts servers of its own, by the same rule: they are of these versions. */
function storeVersions(ending: Ending, screen: Screen): Promise<Readonly<Record<string, string>>> {
  return withResources(async (defer) => {
    const quiet = { ...screen, line: () => {} };
    return (await startServers({ ending, screen: quiet, defer })).versions;
  });
}
