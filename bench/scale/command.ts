import { count, type Ending, type Screen } from '../../dev/demo/context.ts';
import type { BenchCommand, Given } from '../frame/command.ts';
import { COMMON_HELP, runBench, wholeNumber } from '../frame/command.ts';
import type { Section } from '../frame/section.ts';
import { machine } from '../frame/section.ts';
import { scaleFigures } from './figures.ts';
import { checkPage, scaleTable, writePage } from './page.ts';
import type { StudyOptions } from './study.ts';
import { study } from './study.ts';

const HELP = `npm run bench:scale [-- OPTIONS]

How time, memory and disk grow with the number of BCs: full syncs of a sandbox Odoo, an incremental run with nothing to
do after each, and beside one worker a BullMQ worker that gets the same jobs, which hold ids alone, and does nothing.
Progress goes to standard error, tables to standard output. A million BCs need 12 GB of memory, 8 GB of disk and, with the smaller sizes
and by one worker and by two, an hour or more.

  --sizes A,B      BCs in the sandbox, five lines each (10000,100000,1000000)
  --workers A,B    worker processes (1,2)
  --rounds N       rounds of which the medians are taken (1)
  --page FILE      also write the table into this page, between its marks (docs/explanation/scale.md has them)
${COMMON_HELP}

Environment, each optional: SYNC_*, RETAIN_* and ODOO_PROTOCOL, ODOO_CONCURRENCY, ODOO_CALLS_PER_SECOND as in
.env.example; BENCH_DATABASE_URL (where databases may be created) and BENCH_REDIS_URL instead of servers of its own.

Exit codes: 0 every target is met, 1 one is missed or could not be measured, 2 bad usage
`;

interface Options extends StudyOptions {
  readonly page: string | null;
}

const COMMAND: BenchCommand<Options> = {
  script: 'bench:scale',
  help: HELP,
  flags: {
    sizes: { type: 'string', default: '10000,100000,1000000' },
    workers: { type: 'string', default: '1,2' },
    rounds: { type: 'string', default: '1' },
    page: { type: 'string' },
  },
  read: (given) => ({
    sizes: wholeNumbers(given, 'sizes', 10, 2_000_000),
    workers: wholeNumbers(given, 'workers', 1, 16),
    rounds: wholeNumber(given, 'rounds', 1, 100),
    page: typeof given['page'] === 'string' ? given['page'] : null,
  }),
  measure: measureScale,
};

/** Runs the study and ends the process. */
export function scaleCommand(args: readonly string[]): Promise<never> {
  return runBench(COMMAND, args);
}

/** Different whole numbers after commas, ascending. */
function wholeNumbers(given: Given, name: string, least: number, most: number): number[] {
  const parts = String(given[name]).split(',');
  const numbers = parts.map((part) => wholeNumber({ [name]: part }, name, least, most));
  return [...new Set(numbers)].sort((a, b) => a - b);
}

async function* measureScale(options: Options, ending: Ending, screen: Screen): AsyncGenerator<Section> {
  if (options.page !== null) await checkPage(options.page);
  const { measured, versions } = await study(options, ending, screen);
  if (options.page !== null) await writePage(options.page, scaleTable(measured));
  yield {
    ...{ name: 'scale', on: 'sandbox', date: new Date().toISOString(), machine: machine() },
    ...{ servers: versions, rounds: options.rounds, size: `${options.sizes.map(count).join(', ')} BC` },
    figures: scaleFigures(measured),
  };
}
