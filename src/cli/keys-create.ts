import type { Command } from 'commander';
import { InvalidArgumentError } from 'commander';
import { z } from 'zod';
import { createApiKey } from '../db/api-keys.ts';
import type { Scope } from '../db/schema/gateway.ts';
import { SCOPES } from '../db/schema/gateway.ts';
import { isPattern } from '../tryton/methods.ts';
import { milliseconds } from '../variable-types.ts';
import type { ExitCode } from './exit.ts';
import { EXIT } from './exit.ts';
import type { CommandContext } from './io.ts';
import { printJson, printLines } from './io.ts';
import { methodsText, tellKey } from './keys-text.ts';
import { withDatabase } from './open.ts';

interface Options {
  readonly name: string;
  readonly scope: readonly Scope[];
  readonly method?: readonly string[];
  readonly expires?: Date;
  readonly json?: boolean;
}

export function addCreate(keys: Command, context: CommandContext, exit: (code: ExitCode) => void): void {
  keys
    .command('create')
    .summary('make a key and show it, once')
    .description('Make a key and show it. It is shown this once: only a hash of it is kept.')
    .requiredOption('--name <name>', 'who or what the key is for', parseName)
    .requiredOption(
      '--scope <scopes>',
      `what it may do, separated by commas: ${SCOPES.join(', ')}`,
      parseScopes,
    )
    .option('--method <pattern>', "Tryton methods that tryton:call reaches, such as 'model.*'", parseMethod)
    .option(
      '--expires <when>',
      'how long it is good (90d) or until when (2027-01-31); for ever when left out',
      parseEnd,
    )
    .option('--json', 'print one JSON object')
    .addHelpText('after', HELP)
    .action(async (options: Options, command: Command) => exit(await create(context, options, command)));
}

const HELP = `
Scopes
  bc:read      read the mirror: BCs, runs, failures
  sync:write   start runs, resync, retry
  tryton:call  call Tryton: the methods of --method (each opens what it matches, writes included), else reads only
  admin        all of these

Exit codes: 0 made, 1 PostgreSQL cannot be used, 2 bad usage or configuration

Examples:
  $ passerelle keys create --name reporting --scope bc:read --expires 90d
  $ passerelle keys create --name portal --scope bc:read,tryton:call --method 'model.party.*' --method 'model.sale.*'
  $ KEY=$(passerelle keys create --name cron --scope sync:write --json | jq -r .key)`;

async function create({ io, env }: CommandContext, options: Options, command: Command): Promise<ExitCode> {
  const { name, scope: scopes, method: methods = [], expires = null } = options;
  if (methods.length > 0 && !scopes.includes('tryton:call') && !scopes.includes('admin')) {
    command.error("error: option '--method <pattern>' needs the scope tryton:call.");
  }
  const { key, row } = await withDatabase(env, (db) =>
    createApiKey(db, { name, scopes, methods, expiresAt: expires }),
  );
  if (options.json === true) printJson(io, { key, ...tellKey(row) });
  else {
    const tryton = methodsText(row);
    printLines(io, [
      key,
      '',
      `Key ${row.id} for ${name}: ${scopes.join(', ')}${tryton === '-' ? '' : ` (Tryton: ${tryton})`}, ${
        expires === null ? 'does not expire' : `good until ${expires.toISOString()}`
      }.`,
      `Send it as "Authorization: Bearer ${key}". It is not shown again.`,
    ]);
  }
  return EXIT.success;
}

const LONGEST_NAME = 100;

function parseName(text: string): string {
  const name = text.trim();
  if (name === '' || name.length > LONGEST_NAME || /\p{Cc}/u.test(name)) {
    throw new InvalidArgumentError(`Expected a line of 1 to ${LONGEST_NAME} characters.`);
  }
  return name;
}

/** Commander hands over what it collected so far: the option may be repeated as well. */
function parseScopes(text: string, before: readonly Scope[] = []): readonly Scope[] {
  const scopes = z.array(z.enum(SCOPES)).safeParse(text.split(',').map((scope) => scope.trim()));
  if (!scopes.success) {
    throw new InvalidArgumentError(`Expected one or more of ${SCOPES.join(', ')}, separated by commas.`);
  }
  return [...new Set([...before, ...scopes.data])];
}

function parseMethod(text: string, before: readonly string[] = []): readonly string[] {
  if (!isPattern(text)) {
    throw new InvalidArgumentError(
      "Expected a Tryton method in which * stands for any text, such as model.party.party.read or 'model.*'.",
    );
  }
  return [...new Set([...before, text])];
}

const date = z.union([z.iso.date(), z.iso.datetime({ offset: true })]);

function parseEnd(text: string): Date {
  const ms = milliseconds(text);
  const end = new Date(Number.isNaN(ms) ? (date.safeParse(text).data ?? Number.NaN) : Date.now() + ms);
  if (Number.isNaN(end.getTime()) || end.getTime() <= Date.now()) {
    throw new InvalidArgumentError(
      'Expected a duration such as 12h or 90d, or a date to come such as 2027-01-31 (UTC).',
    );
  }
  return end;
}
