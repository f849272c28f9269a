import { Command, CommanderError } from 'commander';
import { ConfigError, configWarnings } from '../config/index.ts';
import { UnknownModelError } from '../discovery/index.ts';
import { ForeignQueuesError } from '../queues/owner.ts';
import { errorCode, errorMessage } from '../shared/errors.ts';
import { packageVersion } from '../shared/version.ts';
import { addAlerts } from './commands/alerts.ts';
import { addCheck } from './commands/check.ts';
import { addConfig } from './commands/config.ts';
import { addKeys } from './commands/keys.ts';
import { addMigrate } from './commands/migrate.ts';
import { addMirrors } from './commands/mirrors/mirrors.ts';
import { addErase } from './commands/orders/erase.ts';
import { addFailures, addRetry } from './commands/orders/failures.ts';
import { addResync } from './commands/orders/resync.ts';
import { addShow } from './commands/orders/show.ts';
import { addPrivacy } from './commands/privacy.ts';
import { addPrune } from './commands/prune.ts';
import { addRuns } from './commands/runs.ts';
import { addStatus } from './commands/status.ts';
import { addSync } from './commands/sync.ts';
import { addTryton } from './commands/tryton.ts';
import { addUp } from './commands/up.ts';
import { addVerify } from './commands/verify.ts';
import { addCompletion } from './completion.ts';
import { AmbiguousOrderError, BadArgumentError, UnknownMirrorError } from './errors.ts';
import { completeHelp, helpWidth, wrapHelp } from './help.ts';
import {
  type CommandContext,
  type Environment,
  EXIT,
  type ExitCode,
  type Io,
  oneLine,
  printJson,
} from './io.ts';

/** Errors of the command line or the environment. */
const USAGE = [
  ConfigError,
  BadArgumentError,
  AmbiguousOrderError,
  UnknownMirrorError,
  UnknownModelError,
  ForeignQueuesError,
];

/**
 * The `passerelle` command. Each file in `commands/` adds one command with its options, help and output.
 *
 * Lifecycle: a command reads its configuration, opens the servers that it needs (`connections.ts`), prints its answer
 * and closes them. `main.ts` waits for the output and sets the exit code. A command that needs workers starts its own
 * if no other process has any (`follow-run.ts`).
 *
 * Invariants: answers go to standard output; errors, progress and logs go to standard error. Nothing is thrown: an
 * error is one message without a stack, and with `--json` also `{ error: { code, message } }` on standard output.
 *
 *     const code = await run(['sync', '--full', '--json'], io);
 *
 * @param argv the arguments after the name of the command.
 * @param env undefined: the environment of the process.
 * @returns the exit code, see `EXIT`.
 */
export async function run(argv: readonly string[], io: Io, env?: Environment): Promise<ExitCode> {
  let exit: ExitCode = EXIT.success;
  try {
    const program = createProgram({ io, env }, (given) => {
      exit = given;
    });
    await program.parseAsync([...argv], { from: 'user' });
    return exit;
  } catch (error) {
    // Commander has already printed the error or the help.
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.success : EXIT.usage;
    // A configuration error has one line for each problem.
    const message = error instanceof ConfigError ? error.message : oneLine(errorMessage(error));
    const code = errorCode(error);
    io.stderr.write(`${message || code}\n`);
    if (argv.includes('--json')) printJson(io, { error: { code, message: message || code } });
    return USAGE.some((type) => error instanceof type) ? EXIT.usage : EXIT.failure;
  }
}

function createProgram(context: CommandContext, exit: (code: ExitCode) => void): Command {
  const { stdout, stderr } = context.io;
  const width = helpWidth(stdout.columns);
  const program = new Command('passerelle')
    .description('Mirrors BCs and their lines from Odoo into PostgreSQL, and calls Tryton.')
    .version(packageVersion(), '-V, --version', 'print the version')
    .configureOutput({
      writeOut: (text) => void stdout.write(wrapHelp(text, width)),
      // A help without a command goes there too.
      writeErr: (text) => void stderr.write(text.startsWith('error:') ? text : wrapHelp(text, width)),
      getOutHelpWidth: () => width,
      getErrHelpWidth: () => width,
    })
    .exitOverride()
    .addHelpText('after', HELP)
    .hook('preAction', () => {
      for (const warning of configWarnings(context.env)) stderr.write(`${oneLine(warning)}\n`);
    });
  // After the settings above, because commands inherit them.
  for (const add of [
    addUp,
    addSync,
    addResync,
    addRetry,
    addCheck,
    addStatus,
    addMirrors,
    addFailures,
    addRuns,
    addShow,
    addErase,
    addVerify,
    addPrivacy,
    addPrune,
    addTryton,
    addAlerts,
    addKeys,
    addMigrate,
    addConfig,
    addCompletion,
  ])
    add(program, context, exit);
  completeHelp(program);
  return program;
}

const HELP = `
Settings come from the environment, and from the .env file of the current directory: DATABASE_URL, REDIS_URL, ODOO_URL, ODOO_DB, ODOO_USER, ODOO_PASSWORD, TRYTON_RPC_URL, TRYTON_USER, TRYTON_PASSWORD, ... "passerelle config" shows those in effect.
Answers go to standard output; errors, progress and logs (LOG_LEVEL) to standard error.

Examples:
  $ passerelle up
  $ passerelle check
  $ passerelle migrate
  $ passerelle sync --full
  $ passerelle verify
  $ passerelle resync BC/2023/00002
  $ passerelle status
  $ passerelle mirrors
  $ passerelle mirrors discover
  $ passerelle privacy report
  $ passerelle failures
  $ passerelle erase partners 7
  $ passerelle tryton ping
  $ passerelle alerts test
  $ passerelle keys create --name portal --scope bc:read
  $ passerelle config
  $ passerelle help sync`;
