import { count } from '../../dev/demo/context.ts';
import type { Context } from '../context.ts';
import { withCleanup } from '../context.ts';
import type { MonitoredMirror } from '../memory/phases.ts';
import { openMonitoredMirror, runPhase } from '../memory/phases.ts';
import type { BenchCommand, Given } from '../reporting/command.ts';
import { ENVIRONMENT_HELP, FIGURE_HELP, runBench, wholeNumber } from '../reporting/command.ts';
import type { Section } from '../reporting/figures.ts';
import { section, takeTurns } from '../reporting/figures.ts';
import { runProgram } from '../setup/processes.ts';
import type { SandboxOdoo } from '../setup/sandbox-odoo.ts';
import { startSandboxOdoo } from '../setup/sandbox-odoo.ts';
import type { Servers } from '../setup/servers.ts';
import { startServers } from '../setup/servers.ts';
import type { Measured } from './figures.ts';
import { checkPage, scaleFigures, writePage } from './figures.ts';

const HELP = `npm run bench:scale [-- OPTIONS]

Measures how time, memory and disk grow with the number of BCs: full syncs of a sandbox Odoo, and after each an
incremental run with nothing to do. Beside one worker runs a BullMQ worker that gets the same jobs and does nothing.
Progress goes to standard error, tables to standard output. A million BCs need 12 GB of memory and 8 GB of disk. With
the smaller sizes, by one worker and by two, they take an hour or more.

  --sizes A,B      BCs in the sandbox, five lines each (10000,100000,1000000)
  --workers A,B    worker processes (1,2)
  --rounds N       rounds; the figures are their medians (1)
  --page FILE      also write the table into this page, between its marks (docs/explanation/scale.md has them)
${FIGURE_HELP}

Optional environment: ODOO_PROTOCOL, ${ENVIRONMENT_HELP}

Exit codes: 0 every target is met, 1 a target is missed or the measurement failed, 2 wrong usage
`;

interface ScaleOptions {
  /** BCs in the sandbox, ascending. */
  readonly sizes: readonly number[];
  /** Numbers of worker processes. */
  readonly workers: readonly number[];
  readonly rounds: number;
  readonly page: string | null;
}

/** The newest BCs of the sandbox are a minute old. A longer overlap would make the incremental run read them again. */
const SETTINGS = { SYNC_OVERLAP: '30s' };
/** Jobs of the no-op worker: enough for some seconds. */
const MOST_NO_OP_JOBS = 20_000;

const COMMAND: BenchCommand<ScaleOptions> = {
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

/** Runs `npm run bench:scale` and ends the process. */
export function scaleCommand(args: readonly string[]): Promise<never> {
  return runBench(COMMAND, args);
}

/** A comma-separated list of whole numbers, without duplicates and ascending. */
function wholeNumbers(given: Given, name: string, least: number, most: number): number[] {
  const parts = String(given[name]).split(',');
  const numbers = parts.map((part) => wholeNumber({ [name]: part }, name, least, most));
  return [...new Set(numbers)].sort((a, b) => a - b);
}

async function* measureScale(options: ScaleOptions, context: Context): AsyncGenerator<Section> {
  const { sizes, rounds, page } = options;
  if (page !== null) await checkPage(page);
  const servers = await startServers(context);
  const measured: Measured[] = [];
  for (const documents of sizes) {
    measured.push(...(await withCleanup(context, (own) => measureSize(own, servers, documents, options))));
  }
  if (page !== null) await writePage(page, measured);
  yield section({
    ...{ name: 'scale', on: 'sandbox', servers: servers.versions, rounds },
    ...{ size: `${sizes.map(count).join(', ')} BC`, figures: scaleFigures(measured) },
  });
}

/** Measures one sandbox with every number of workers. Every second round runs backwards. */
async function measureSize(
  context: Context,
  servers: Servers,
  documents: number,
  { workers, rounds }: ScaleOptions,
): Promise<Measured[]> {
  context.screen.status(`a sandbox with ${count(documents)} BC`);
  const sandbox = await startSandboxOdoo(context, servers.workspace, { documents });
  const measures = workers.map(
    (number) => () => withCleanup(context, (own) => measureOnce(own, servers, sandbox, number)),
  );
  return (await takeTurns(rounds, measures)).flat();
}

async function measureOnce(
  context: Context,
  servers: Servers,
  sandbox: SandboxOdoo,
  workers: number,
): Promise<Measured> {
  const mirror = await openMonitoredMirror(context, servers, sandbox, { workers, settings: SETTINGS });
  const { documents, lines } = sandbox.size;
  const name = `${count(documents)} BC, ${workers === 1 ? '1 worker' : `${workers} workers`}`;
  const before = workers === 1 ? await noOpRate(mirror) : null;
  const full = await runPhase(mirror, `${name}: full`, 'full', { created: documents });
  const idle = await runPhase(mirror, `${name}: nothing to do`, 'incremental', {
    ...{ seen: 0, created: 0, updated: 0 },
  });
  const after = workers === 1 ? await noOpRate(mirror) : null;
  return {
    ...{ documents, lines, workers, seconds: full.seconds },
    noOp: before === null || after === null ? null : (before + after) / 2,
    ...{ rss: full.memory.max, redis: full.redisMax, database: full.database },
    incremental: { seconds: idle.seconds, calls: idle.calls },
  };
}

/** BCs per second of a BullMQ worker that does nothing with them. */
async function noOpRate({ context, servers, sandbox, env }: MonitoredMirror): Promise<number> {
  const jobs = Math.min(sandbox.size.documents, MOST_NO_OP_JOBS);
  const output = await runProgram(context, servers.workspace, {
    ...{ name: 'no-op-worker', module: 'bench/programs/no-op-worker.ts', args: [String(jobs)] },
    env: { ...env, QUEUE_PREFIX: `${env['QUEUE_PREFIX']}-no-op` },
  });
  return Number(output);
}
