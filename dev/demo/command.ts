import { parseArgs } from 'node:util';
import { errorMessage } from '../../src/shared/errors.ts';
import { createScreen, Ending } from './context.ts';
import { runDemo } from './demo.ts';

const HELP = `npm run demo [-- OPTIONS]

Starts PostgreSQL, Redis, a sandbox Odoo, a sandbox Tryton, the API and a worker, mirrors everything once,
then keeps Odoo's data changing until Ctrl-C. Nothing is left behind.

  --once           stop after the first full sync, once the API is known to give the right count (for CI)
  --documents N    BCs in the sandbox, about five lines each (10000)
  --help           this text

Environment, each optional (a .env file is not read):
  DATABASE_URL, REDIS_URL   use these servers; what the demo mirrors stays in that database
  ODOO_URL, ODOO_DB, ODOO_USER, ODOO_PASSWORD   mirror this Odoo instead of the sandbox
  TRYTON_RPC_URL, TRYTON_USER, TRYTON_PASSWORD  call this Tryton instead of the sandbox
  PORT             port of the API; without it the first free one from 3000
  SYNC_EVERY       pause between incremental runs (15s)
  ADMIN_PASSWORD   of the queue pages; without it one is made up
and every other variable of .env.example. Without Docker and without Redis on this machine, Redis is
installed by apt where this runs as root.

Exit codes: 0 stopped as asked, 1 could not run, 2 bad usage
`;

const MOST_DOCUMENTS = 1_000_000;

/** Runs the demo and ends the process. A wait for a lost server must not keep it alive. */
export async function demoCommand(args: readonly string[]): Promise<never> {
  process.exit(await codeOf(args));
}

async function codeOf(args: readonly string[]): Promise<0 | 1 | 2> {
  const options = readOptions(args);
  if (typeof options === 'string') {
    process.stderr.write(`${options}\nSee npm run demo -- --help\n`);
    return 2;
  }
  if (options.help) {
    process.stdout.write(HELP);
    return 0;
  }
  const ending = new Ending();
  // May be called several times: npm forwards the Ctrl-C that the terminal already sent.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => ending.stop());
  // The terminal was closed, or the reader of the pipe has left.
  process.stdout.on('error', () => ending.stop());
  const screen = createScreen(process.stdout);
  try {
    await runDemo(options, ending, screen);
    return 0;
  } catch (error) {
    process.stderr.write(`${errorMessage(error)}\n`);
    return 1;
  }
}

function readOptions(args: readonly string[]) {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        once: { type: 'boolean', default: false },
        documents: { type: 'string', default: '10000' },
        help: { type: 'boolean', default: false },
      },
    });
    const documents = Number(values.documents);
    if (!Number.isInteger(documents) || documents < 1 || documents > MOST_DOCUMENTS) {
      return `--documents: expected a whole number from 1 to ${MOST_DOCUMENTS}`;
    }
    return { ...values, documents };
  } catch (error) {
    return errorMessage(error);
  }
}
