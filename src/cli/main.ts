#!/usr/bin/env node
import { errorMessage } from '../shared/errors.ts';
import { onStopRequest } from '../shared/lifecycle.ts';
import { askAt } from './ask.ts';
import { EXIT, watchOutput } from './io.ts';
import { run } from './program.ts';

const { stdin, stdout, stderr } = process;
const answered = watchOutput(stdout);
const written = watchOutput(stderr);

process.exitCode = await run(process.argv.slice(2), {
  stdin,
  stdout,
  stderr,
  ask: stdin.isTTY && stderr.isTTY ? askAt(stdin, stderr) : null,
  onInterrupt: (handle) => onStopRequest(handle, () => process.exit(EXIT.interrupted)),
});
const lost = await answered();
if (lost !== null) {
  stderr.write(`The answer could not be written: ${errorMessage(lost)}\n`);
  process.exitCode = EXIT.failure;
}
await written();
// A socket that waits for a lost server must not keep the process alive.
process.exit();
