import { nodeProblem } from '../../dev/node-version.ts';

// What an old Node cannot read is imported only once this one is known to be new enough.
const problem = nodeProblem(process.versions.node);
if (problem === null) {
  import('./command.ts').then(({ scaleCommand }) => scaleCommand(process.argv.slice(2)));
} else {
  process.stderr.write(`${problem}\n`);
  process.exitCode = 1;
}
