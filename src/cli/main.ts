#!/usr/bin/env node
import { run } from './run.ts';

/** As a shell reports a program that SIGINT ended. */
const INTERRUPTED = 130;

process.exitCode = await run(process.argv.slice(2), {
  stdin: process.stdin,
  stdout: process.stdout,
  stderr: process.stderr,
  onInterrupt(handle) {
    const once = () => {
      process.once('SIGINT', kill).once('SIGTERM', kill);
      handle();
    };
    const kill = () => process.exit(INTERRUPTED);
    process.once('SIGINT', once).once('SIGTERM', once);
    return () => {
      for (const signal of ['SIGINT', 'SIGTERM'] as const) process.off(signal, once).off(signal, kill);
    };
  },
});
// A socket that waits for a server that is gone must not keep the process alive.
process.exit();
