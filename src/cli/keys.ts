import type { Command } from 'commander';
import { listApiKeys, revokeApiKey } from '../db/api-keys.ts';
import { UnknownKeyError } from './errors.ts';
import type { ExitCode } from './exit.ts';
import { EXIT } from './exit.ts';
import type { CommandContext } from './io.ts';
import { printJson, printLines } from './io.ts';
import { addCreate } from './keys-create.ts';
import { keyLines, tellKey } from './keys-text.ts';
import { withDatabase } from './open.ts';

type Options = { readonly json?: boolean };

export function addKeys(program: Command, context: CommandContext, exit: (code: ExitCode) => void): void {
  const keys = program
    .command('keys')
    .summary('create, list and revoke API keys')
    .description('API keys: who may call the API, and what each may do. Needs DATABASE_URL only.')
    .addHelpText('after', HELP);
  addCreate(keys, context, exit);
  keys
    .command('list')
    .summary('show every key, without its secret')
    .description('Show every key that ever was: never the key itself, which is kept nowhere.')
    .option('--json', 'print one JSON object')
    .addHelpText('after', '\nExamples:\n  $ passerelle keys list\n  $ passerelle keys list --json')
    .action(async (options: Options) => exit(await list(context, options)));
  keys
    .command('revoke')
    .summary('make a key unusable for good')
    .description('Make a key unusable, for good, within five seconds in every process. Safe to repeat.')
    .argument('<id>', 'id or prefix of the key')
    .option('--json', 'print one JSON object')
    .addHelpText('after', REVOKE_HELP)
    .action(async (id: string, options: Options) => exit(await revoke(context, id, options)));
}

const HELP = `
Examples:
  $ passerelle keys create --name reporting --scope bc:read
  $ passerelle keys list
  $ passerelle keys revoke 3
  $ passerelle keys help create`;

const REVOKE_HELP = `
Exit codes: 0 it is revoked, 1 there is no such key or PostgreSQL cannot be used, 2 bad usage or configuration

Examples:
  $ passerelle keys revoke 3
  $ passerelle keys revoke kqzbwmra`;

async function list({ io, env }: CommandContext, { json }: Options): Promise<ExitCode> {
  const rows = await withDatabase(env, listApiKeys);
  if (json === true) printJson(io, { keys: rows.map(tellKey) });
  else printLines(io, keyLines(rows));
  return EXIT.success;
}

async function revoke({ io, env }: CommandContext, id: string, { json }: Options): Promise<ExitCode> {
  const row = await withDatabase(env, (db) => revokeApiKey(db, id));
  if (row === null) throw new UnknownKeyError(id);
  if (json === true) printJson(io, tellKey(row));
  else printLines(io, [`Key ${row.id} (${row.prefix}, ${row.name}) is revoked.`]);
  return EXIT.success;
}
