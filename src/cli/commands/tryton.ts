import type { Command } from 'commander';
import { errorMessage } from '../../shared/errors.ts';
import { escapeJson } from '../../shared/terminal.ts';
import { methodName } from '../../tryton/methods.ts';
import type { PingReport, Wire } from '../../tryton/types.ts';
import { fromJson, isList, toJson } from '../../tryton/wire/json.ts';
import { withTryton } from '../connections.ts';
import { BadArgumentError } from '../errors.ts';
import { type CommandContext, EXIT, type ExitCode, type Io, print } from '../io.ts';

function pingLines(place: string, report: PingReport): string[] {
  const { reachable, version, latencyMs, circuit, error } = report;
  return [
    `Tryton     ${place}`,
    `Reachable  ${reachable ? `yes, version ${version ?? 'unknown'}, ${latencyMs ?? 0} ms` : 'no'}`,
    `Signed in  ${signedIn(report)}`,
    ...(circuit === null ? [] : [`Logins     none before ${new Date(circuit.until).toISOString()}`]),
    ...(error === null ? [] : [`Problem    ${error.message.replace(/\s+/g, ' ')}`]),
  ];
}

function signedIn({ authenticated, sessionAgeMs }: PingReport): string {
  if (!authenticated) return 'no';
  return sessionAgeMs === null ? 'yes' : `yes, session ${Math.round(sessionAgeMs / 1000)} s old`;
}

/** Short tokens only: one pattern for a whole string overflows the stack of V8. */
const TOKEN = /\\.|"|[{[]\s*[}\]]|[{}[\],:]/g;

/** Indents JSON by two spaces. It does not parse it, so numbers keep their digits. */
export function indented(json: string): string {
  let depth = 0;
  let inText = false;
  return json.replace(TOKEN, (token) => {
    if (token === '"') inText = !inText;
    if (inText) return token;
    if (token === ':') return ': ';
    if (token === ',') return `,\n${'  '.repeat(depth)}`;
    if (token === '{' || token === '[') return `${token}\n${'  '.repeat(++depth)}`;
    if (token === '}' || token === ']') return `\n${'  '.repeat(--depth)}${token}`;
    return token;
  });
}

function addCall(tryton: Command, context: CommandContext, exit: (code: ExitCode) => void): void {
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
    .addHelpText('after', CALL_HELP)
    .action(async (method: string, params: string, options: { readonly json?: boolean }) =>
      exit(await call(context, method, params, options.json === true)),
    );
}

const CALL_HELP = `
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
  context.io.stdout.write(`${escapeJson(indented(json ? `{"result":${result}}` : result))}\n`);
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

export function addTryton(program: Command, context: CommandContext, exit: (code: ExitCode) => void): void {
  const tryton = program
    .command('tryton')
    .summary('ping Tryton, or call one of its methods')
    .description(
      'Talk to Tryton as the gateway does. Needs TRYTON_RPC_URL, TRYTON_USER and TRYTON_PASSWORD only; where ' +
        'REDIS_URL is set and Redis answers, the session is shared with the API, and writes invalidate its cache.',
    )
    .addHelpText('after', HELP);
  tryton
    .command('ping')
    .summary('check whether Tryton is reachable and accepts the login')
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
  print(context.io, json, publicReport(report), pingLines(place, report));
  return report.reachable && report.authenticated ? EXIT.success : EXIT.failure;
}

function publicReport({ circuit, ...report }: PingReport) {
  return { ...report, circuit: circuit && { ...circuit, until: new Date(circuit.until) } };
}
