import { nodeProblem } from '../dev/node-version.ts';

/**
 * The benchmarks: `npm run bench [-- live|scale|memory] [OPTIONS]`; `--help` lists the options of each command.
 *
 * - `suites.ts` measures the suites on sandboxes: sync, read API, gateway, incremental runs, decoding.
 * - `sync/live.ts` measures a real Odoo, `scale/` up to a million BCs, `memory/` the memory of each kind of run.
 * - `setup/` starts servers, workers and sandboxes and applies load. It runs built code of the product, in processes of
 *   their own, as in production.
 * - `programs/` has the modules that run in those processes.
 * - `reporting/` has the figures, the tables, the charts and the files in `docs/bench`.
 *
 * A figure is the median of several rounds beside a baseline. The two are measured in turns, so that other load on the
 * machine affects both.
 */
const COMMANDS: Readonly<Record<string, (args: readonly string[]) => Promise<never>>> = {
  live: async (args) => (await import('./sync/live.ts')).liveCommand(args),
  scale: async (args) => (await import('./scale/bench.ts')).scaleCommand(args),
  memory: async (args) => (await import('./memory/bench.ts')).memoryCommand(args),
};

// An old Node cannot parse the other modules, so they are imported after the check of the version.
const problem = nodeProblem(process.versions.node);
if (problem === null) {
  const [name = '', ...args] = process.argv.slice(2);
  const command = COMMANDS[name];
  if (command !== undefined) command(args);
  else import('./suites.ts').then(({ suitesCommand }) => suitesCommand(process.argv.slice(2)));
} else {
  process.stderr.write(`${problem}\n`);
  process.exitCode = 1;
}
