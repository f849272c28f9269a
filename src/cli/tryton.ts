import type { Command } from 'commander';
import type { PingReport } from '../tryton/types.ts';
import type { ExitCode } from './exit.ts';
import { EXIT } from './exit.ts';
import type { CommandContext } from './io.ts';
import { printJson, printLines } from './io.ts';
import { addCall } from './tryton-call.ts';
import { withTryton } from './tryton-open.ts';
import { pingLines } from './tryton-text.ts';

export function addTryton(program: Command, context: CommandContext, exit: (code: ExitCode) => void): void {
  const tryton = program
    .command('tryton')
    .summary('ping Tryton, or call one of its methods')
    .description(
      'Talk to Tryton as the gateway does. Needs TRYTON_RPC_URL, TRYTON_USER and TRYTON_PASSWORD only; where REDIS_URL ' +
        'is set and Redis answers, the session is shared with the API, and writes drop what it has cached.',
    )
    .addHelpText('after', HELP);
  tryton
    .command('ping')
    .summary('tell whether Tryton is reachable and lets us in')
    .description('Ask for the version without signing in, then for the preferences of the user, signed in.')
    .option('--json', 'print one JSON object')
    .addHelpText('after', PING_HELP)
    .action(async (options: { readonly json?: boolean }) => exit(await ping(context, options.json === true)));
  addCall(tryton, context, exit);
}

const HELP = `
Examples:
  $ passerelle tryton ping
  $ passerelle tryton call model.party.party.search_read '[[], 0, 5, null, ["name"]]'
  $ passerelle tryton help call`;

const PING_HELP = `
Exit codes: 0 reachable and signed in, 1 not so, 2 bad usage or no Tryton is configured

Examples:
  $ passerelle tryton ping
  $ passerelle tryton ping --json | jq .latencyMs`;

async function ping(context: CommandContext, json: boolean): Promise<ExitCode> {
  const { report, place } = await withTryton(context, async (tryton) => ({
    report: await tryton.ping(),
    place: `${tryton.server} as ${tryton.user}`,
  }));
  if (json) printJson(context.io, told(report));
  else printLines(context.io, pingLines(place, report));
  return report.reachable && report.authenticated ? EXIT.success : EXIT.failure;
}

function told({ circuit, ...report }: PingReport) {
  return { ...report, circuit: circuit && { ...circuit, until: new Date(circuit.until) } };
}
