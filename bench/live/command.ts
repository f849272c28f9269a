import type { BenchCommand } from '../frame/command.ts';
import { COMMON_HELP, chosen, runBench, wholeNumber } from '../frame/command.ts';
import type { LiveOdoo, LiveOptions } from './bench.ts';
import { measureLive } from './bench.ts';

const HELP = `npm run bench:live [-- OPTIONS]

The mirror on a real Odoo that has the models dimagaz.bc and dimagaz.bc.line: full syncs by each protocol beside a
bare fetch by the same protocol, and beside the naive rival; incremental runs with nothing to do. Odoo is only read,
and nobody should write to it meanwhile. PostgreSQL and Redis are started and removed. Progress goes to standard error, tables to standard output. Ten thousand BC take an hour.

  --rounds N       rounds of which the medians are taken (5)
  --protocols A,B  some of json2, jsonrpc, xmlrpc (all that the server has)
  --sample N       BCs that the naive rival copies (500)
${COMMON_HELP}

Environment: ODOO_URL, ODOO_DB, ODOO_USER, ODOO_PASSWORD; ODOO_API_KEY for JSON-2, which is left out without it.
Each optional: SYNC_*, ODOO_CONCURRENCY and ODOO_CALLS_PER_SECOND as in .env.example;
BENCH_DATABASE_URL (where databases may be created) and BENCH_REDIS_URL instead of servers of its own.

Exit codes: 0 every target is met, 1 one is missed or could not be measured, 2 bad usage
`;

/** The best first, as `ODOO_PROTOCOL=auto` tries them. */
const PROTOCOLS = ['json2', 'jsonrpc', 'xmlrpc'] as const;

interface Options extends LiveOptions {
  readonly odoo: LiveOdoo;
}

const COMMAND: BenchCommand<Options> = {
  script: 'bench:live',
  help: HELP,
  flags: {
    rounds: { type: 'string', default: '5' },
    sample: { type: 'string', default: '500' },
    protocols: { type: 'string' },
  },
  read: (given) => {
    const odoo = odooOfEnvironment();
    const there = PROTOCOLS.filter((protocol) => protocol !== 'json2' || odoo.apiKey !== null);
    return {
      odoo,
      rounds: wholeNumber(given, 'rounds', 1, 100),
      sample: wholeNumber(given, 'sample', 1, 1_000_000),
      protocols: chosen(given, 'protocols', there),
    };
  },
  measure: ({ odoo, ...options }, ending, screen) => measureLive(options, odoo, ending, screen),
};

/** Runs the benchmark and ends the process. */
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
