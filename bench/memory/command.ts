import { parseArgs } from 'node:util';
import { createScreen, Ending } from '../../dev/demo/context.ts';
import { errorMessage } from '../../src/shared/errors.ts';
import type { MemoryOptions } from './bench.ts';
import { benchMemory } from './bench.ts';
import { table } from './table.ts';

const HELP = `npm run bench:memory [-- OPTIONS]

What the mirror needs while it works: a sandbox Odoo, PostgreSQL and Redis are started, then a full sync, an
incremental one and a sweep with nothing to do, a sweep after late changes and deletions, and a verify. Each second
the memory of the workers and of Redis is read. Progress goes to standard error, the table to standard output.

  --documents N    BCs in the sandbox (10000)
  --lines N        lines of a BC, on average (5)
  --text N         characters in the notes of each BC, instead of a few words (0)
  --workers N      worker processes (1); the largest of them is shown
  --json           print one JSON object instead of the table
  --help           this text

Environment, each optional: SYNC_*, RETAIN_* and ODOO_PROTOCOL, ODOO_CONCURRENCY, ODOO_CALLS_PER_SECOND as in
.env.example; BENCH_DATABASE_URL (where databases may be created) and BENCH_REDIS_URL
instead of servers of its own.

Exit codes: 0 everything was mirrored and verified, 1 it was not, 2 bad usage
`;

/** Runs the benchmark and ends the process: what still hangs on a server that is gone must not keep it alive. */
export async function memoryCommand(args: readonly string[]): Promise<never> {
  process.exit(await codeOf(args));
}

async function codeOf(args: readonly string[]): Promise<0 | 1 | 2> {
  const options = readOptions(args);
  if (typeof options === 'string') {
    process.stderr.write(`${options}\nSee npm run bench:memory -- --help\n`);
    return 2;
  }
  if (options.help) {
    process.stdout.write(HELP);
    return 0;
  }
  const ending = new Ending();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => ending.stop());
  try {
    const result = await benchMemory(options, ending, createScreen(process.stderr));
    process.stdout.write(options.json ? `${JSON.stringify(result, null, 2)}\n` : table(result));
    return 0;
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? errorMessage(error) : 'stopped'}\n`);
    return 1;
  }
}

interface CommandOptions extends MemoryOptions {
  readonly json: boolean;
  readonly help: boolean;
}

/** Least and most of each number. */
const LIMITS = {
  documents: [10, 2_000_000],
  lines: [1, 1000],
  text: [0, 10_000_000],
  workers: [1, 16],
} as const;

function readOptions(args: readonly string[]): CommandOptions | string {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        documents: { type: 'string', default: '10000' },
        lines: { type: 'string', default: '5' },
        text: { type: 'string', default: '0' },
        workers: { type: 'string', default: '1' },
        json: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    });
    const number = (name: keyof typeof LIMITS): number => {
      const value = Number(values[name]);
      const [least, most] = LIMITS[name];
      if (Number.isInteger(value) && value >= least && value <= most) return value;
      throw new Error(`--${name}: expected a whole number from ${least} to ${most}`);
    };
    return {
      ...{ documents: number('documents'), lines: number('lines'), text: number('text') },
      ...{ workers: number('workers'), json: values.json, help: values.help },
    };
  } catch (error) {
    return errorMessage(error);
  }
}
