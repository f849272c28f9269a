import { nodeProblem } from '../../dev/node-version.ts';

// An old Node cannot parse the rest, so it is imported after the check of the version.
const problem = nodeProblem(process.versions.node);
if (problem === null) {
  import('./command.ts').then(({ scaleCommand }) => scaleCommand(process.argv.slice(2)));
} else {
  process.stderr.write(`${problem}\n`);
  process.exitCode = 1;
}
