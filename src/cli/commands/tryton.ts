import type { Command } from 'commander';
import { errorMessage } from '../../shared/errors.ts';
import { escapeJson } from '../../shared/terminal.ts';
import { methodName } from '../../tryton/methods.ts';
import type { PingReport, Wire } from '../../tryton/types.ts';
import { fromJson, isList, toJson } from '../../tryton/wire/json.ts';
import { withTryton } from '../connections.ts';
import { BadArgumentError } from '../errors.ts';
import { type CommandContext, EXIT, type ExitCode, type Io, print } from '../io.ts';
import { whileBusy } from '../progress.ts';
import { relative, span } from '../text.ts';

function pingLines(place: string, report: PingReport): string[] {
  const { reachable, version, latencyMs, circuit, error } = report;
  return [
    `Tryton     ${place}`,
    `Reachable  ${reachable ? `yes, version ${version ?? 'unknown'}, ${latencyMs ?? 0} ms` : 'no'}`,
    `Signed in  ${signedIn(report)}`,
    ...(circuit === null
      ? []
      : [`Logins     suspended, next one ${relative(new Date(circuit.until), new Date())}`]),
    ...(error === null ? [] : [`Problem    ${error.message.replace(/\s+/g, ' ')}`]),
  ];
}

function signedIn({ authenticated, sessionAgeMs }: PingReport): string {
  if (!authenticated) return 'no';
  return sessionAgeMs === null ? 'yes' : `yes, session ${span(sessionAgeMs)} old`;
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
      'Call a method and print its result as JSON. The method may also write: the command does not ask for confirmation.',
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
If the context is missing, which is the last parameter of most methods, it is added. Values that JSON lacks are tagged: {"__class__":"Decimal","decimal":"1.10"}, {"__class__":"date","year":2026,"month":1,"day":31}.

Exit codes: 0 called, 1 it failed, 2 bad usage or no Tryton is configured

Examples:
  $ passerelle tryton call common.server.version
  $ passerelle tryton call model.party.party.search_read '[[["name","ilike","a%"]], 0, 5, null, ["name", "code"]]'
  $ passerelle tryton call model.party.party.create '[[{"name": "Dunder Mifflin"}]]' --json
  $ passerelle tryton call model.party.party.read - < params.json`;

async function call(context: CommandContext, name: string, given: string, json: boolean): Promise<ExitCode> {
  const method = checked(name);
  const params = parse(given === '-' ? await readAll(context.io.stdin) : given);
  const answer = withTryton(context, (tryton) => tryton.callWire(method, params));
  const result = toJson(await whileBusy(context.io, `Calling ${method}`, answer));
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
      'Call Tryton as the gateway does. Needs TRYTON_RPC_URL, TRYTON_USER and TRYTON_PASSWORD only. If REDIS_URL is set ' +
        'and Redis answers, the command shares its session with the API, and writes invalidate the cache.',
    )
    .addHelpText('after', HELP);
  tryton
    .command('ping')
    .summary('check the Tryton connection and login')
    .description('Read the version of Tryton without a login, then the preferences of the user with one.')
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
Exit codes: 0 reachable and signed in, 1 not reachable or not signed in, 2 bad usage or no Tryton is configured

Examples:
  $ passerelle tryton ping
  $ passerelle tryton ping --json | jq .latencyMs`;

async function ping(context: CommandContext, json: boolean): Promise<ExitCode> {
  const answer = withTryton(context, async (tryton) => ({
    report: await tryton.ping(),
    place: `${tryton.server} as ${tryton.user}`,
  }));
  const { report, place } = await whileBusy(context.io, 'Calling Tryton', answer);
  print(context.io, json, publicReport(report), pingLines(place, report));
  return report.reachable && report.authenticated ? EXIT.success : EXIT.failure;
}

function publicReport({ circuit, ...report }: PingReport) {
  return { ...report, circuit: circuit && { ...circuit, until: new Date(circuit.until) } };
}
