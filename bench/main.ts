import { nodeProblem } from '../dev/node-version.ts';

/** The studies with commands of their own; every other command line belongs to the suites. */
const STUDIES: Readonly<Record<string, (args: readonly string[]) => Promise<never>>> = {
  live: async (args) => (await import('./live/command.ts')).liveCommand(args),
  scale: async (args) => (await import('./scale/command.ts')).scaleCommand(args),
  memory: async (args) => (await import('./memory/command.ts')).memoryCommand(args),
};

// An old Node cannot parse the rest, so it is imported after the check of the version.
const problem = nodeProblem(process.versions.node);
if (problem === null) {
  const [name = '', ...args] = process.argv.slice(2);
  const study = STUDIES[name];
  if (study !== undefined) study(args);
  else import('./command.ts').then(({ benchCommand }) => benchCommand(process.argv.slice(2)));
} else {
  process.stderr.write(`${problem}\n`);
  process.exitCode = 1;
}
