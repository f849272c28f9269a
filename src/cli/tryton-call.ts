import type { Command } from 'commander';
import { errorMessage } from '../errors.ts';
import { methodName } from '../tryton/methods.ts';
import type { Wire } from '../tryton/types.ts';
import { fromJson, isList, toJson } from '../tryton/wire.ts';
import { BadArgumentError } from './errors.ts';
import type { ExitCode } from './exit.ts';
import { EXIT } from './exit.ts';
import type { CommandContext, Io } from './io.ts';
import { withTryton } from './tryton-open.ts';
import { indented } from './tryton-text.ts';

export function addCall(tryton: Command, context: CommandContext, exit: (code: ExitCode) => void): void {
  tryton
    .command('call')
    .summary('call a method and print its result')
    .description(
      'Call a method and print its result as JSON. Whatever the Tryton user may do can be done, writes included: ' +
        'nothing is asked before.',
    )
    .argument('<method>', 'full name, such as model.party.party.search')
    .argument('[paramsJson]', 'JSON array of its parameters; "-" reads it from standard input', '[]')
    .option('--json', 'print one JSON object with the member "result"')
    .addHelpText('after', HELP)
    .action(async (method: string, params: string, options: { readonly json?: boolean }) =>
      exit(await call(context, method, params, options.json === true)),
    );
}

const HELP = `
A context, the last parameter of most methods, is added where it is missing. Values that JSON lacks are tagged:
{"__class__":"Decimal","decimal":"1.10"}, {"__class__":"date","year":2026,"month":1,"day":31}.

Exit codes: 0 called, 1 it failed, 2 bad usage or no Tryton is configured

Examples:
  $ passerelle tryton call common.server.version
  $ passerelle tryton call model.party.party.search_read '[[["name","ilike","a%"]], 0, 5, null, ["name", "code"]]'
  $ passerelle tryton call model.party.party.create '[[{"name": "Dunder Mifflin"}]]' --json
  $ passerelle tryton call model.party.party.read - < params.json`;

async function call(context: CommandContext, name: string, given: string, json: boolean): Promise<ExitCode> {
  const method = checked(name);
  const params = parse(given === '-' ? await readAll(context.io.stdin) : given);
  const result = toJson(await withTryton(context, (tryton) => tryton.callWire(method, params)));
  context.io.stdout.write(`${indented(json ? `{"result":${result}}` : result)}\n`);
  return EXIT.success;
}

function checked(name: string): string {
  try {
    return methodName(name);
  } catch (error) {
    throw new BadArgumentError(errorMessage(error));
  }
}

function parse(text: string): readonly Wire[] {
  const expected = 'the parameters must be a JSON array, such as \'[[["name","ilike","a%"]], 0, 10]\'';
  let params: Wire;
  try {
    params = fromJson(text);
  } catch (error) {
    throw new BadArgumentError(`paramsJson: ${errorMessage(error)}; ${expected}.`);
  }
  if (!isList(params)) throw new BadArgumentError(`paramsJson: ${expected}, not ${kindOf(params)}.`);
  return params;
}

function kindOf(value: Wire): string {
  if (value === null) return 'null';
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}

async function readAll(input: Io['stdin']): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of input) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks).toString('utf8');
}
