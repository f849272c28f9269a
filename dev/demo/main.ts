import { nodeProblem } from '../node-version.ts';

// An old Node cannot parse the other files, so they are imported after the check of its version.
const problem = nodeProblem(process.versions.node);
if (problem === null) {
  import('./command.ts').then(({ demoCommand }) => demoCommand(process.argv.slice(2)));
} else {
  process.stderr.write(`${problem}\n`);
  process.exitCode = 1;
}
