import { type Command, InvalidArgumentError } from 'commander';
import { z } from 'zod';
import { ConfigError, readMirrorModels } from '../../config/index.ts';
import { milliseconds } from '../../config/parsers.ts';
import { createApiKey, listApiKeys, revokeApiKey } from '../../db/api-keys.ts';
import { type ApiKeyRow, SCOPES, type Scope } from '../../db/schema/gateway.ts';
import { BC_MIRROR } from '../../shared/mirror-names.ts';
import { isPattern } from '../../tryton/methods.ts';
import { withDatabase } from '../connections.ts';
import { UnknownKeyError } from '../errors.ts';
import { type CommandContext, EXIT, type ExitCode, type Line, print, printJson, printLines } from '../io.ts';
import { mirrorNamed } from '../mirrors.ts';
import { table } from '../text.ts';

/** A key as `--json` shows it: never its hash. */
function publicKey({ hash: _, ...row }: ApiKeyRow) {
  const { id, prefix, name, scopes, mirrors, methods, context, createdAt, expiresAt, lastUsedAt, revokedAt } =
    row;
  const times = { createdAt, expiresAt, lastUsedAt, revokedAt };
  return { ...{ id, prefix, name, scopes, mirrors, methods, context }, ...times, state: stateOf(row) };
}

type State = 'usable' | 'expired' | 'revoked';

function stateOf({ revokedAt, expiresAt }: Pick<ApiKeyRow, 'revokedAt' | 'expiresAt'>): State {
  if (revokedAt !== null) return 'revoked';
  return expiresAt !== null && expiresAt.getTime() <= Date.now() ? 'expired' : 'usable';
}

const HEADINGS = [
  'ID',
  'PREFIX',
  'NAME',
  'SCOPES',
  'MIRRORS',
  'METHODS',
  'CONTEXT',
  'CREATED',
  'EXPIRES',
  'LAST USED',
  'STATE',
];

/** The keys as a table, in UTC. */
function keyLines(rows: readonly ApiKeyRow[]): Line[] {
  if (rows.length === 0) return ['There is no key yet; create one with "passerelle keys create".'];
  const cells = rows.map((row) => [
    String(row.id),
    row.prefix,
    row.name,
    row.scopes.join(','),
    mirrorsText(row),
    methodsText(row),
    contextText(row) ?? '-',
    day(row.createdAt) ?? '',
    day(row.expiresAt) ?? 'never',
    minute(row.lastUsedAt) ?? 'never',
    stateOf(row),
  ]);
  return table(HEADINGS, cells);
}

/** The mirrors that a key may reach. */
function mirrorsText({ scopes, mirrors }: Pick<ApiKeyRow, 'scopes' | 'mirrors'>): string {
  if (mirrors.length > 0) return mirrors.join(',');
  return scopes.some((scope) => scope !== 'tryton:call') ? 'all' : '-';
}

/** The Tryton methods that a key allows. */
function methodsText({ scopes, methods }: Pick<ApiKeyRow, 'scopes' | 'methods'>): string {
  if (methods.length > 0) return methods.join(',');
  return scopes.includes('tryton:call') || scopes.includes('admin') ? 'reads' : '-';
}

/** The context that a key fixes, as JSON. */
function contextText({ context }: Pick<ApiKeyRow, 'context'>): string | null {
  return Object.keys(context).length === 0 ? null : JSON.stringify(context);
}

const day = (date: Date | null) => date?.toISOString().slice(0, 10);
const minute = (date: Date | null) => date?.toISOString().slice(0, 16).replace('T', ' ');

interface CreateOptions {
  readonly name: string;
  readonly scope: readonly Scope[];
  readonly mirror?: readonly string[];
  readonly method?: readonly string[];
  readonly context?: ApiKeyRow['context'];
  readonly expires?: Date;
  readonly json?: boolean;
}

function addCreate(keys: Command, context: CommandContext, exit: (code: ExitCode) => void): void {
  keys
    .command('create')
    .summary('create a key and show it once')
    .description('Create a key and show it. It is shown only once, because only its hash is stored.')
    .requiredOption('--name <name>', 'who or what the key is for', parseName)
    .requiredOption(
      '--scope <scopes>',
      `scopes of the key, separated by commas: ${SCOPES.join(', ')}`,
      parseScopes,
    )
    .option(
      '--mirror <name>',
      'mirror that the key may reach; repeat it for several; without it, the key reaches all',
      collect,
    )
    .option('--method <pattern>', "Tryton methods that tryton:call reaches, such as 'model.*'", parseMethod)
    .option(
      '--context <json>',
      'members of the Tryton context that the key fixes, as a JSON object; they override those of the caller',
      parseContext,
    )
    .option(
      '--expires <when>',
      'how long the key is valid (90d) or until when (2027-01-31); without it, forever',
      parseEnd,
    )
    .option('--json', 'print one JSON object')
    .addHelpText('after', CREATE_HELP)
    .action(async (options: CreateOptions, command: Command) =>
      exit(await create(context, options, command)),
    );
}

const CREATE_HELP = `
Scopes
  bc:read      read the mirror: BCs, runs, failures
  sync:write   start runs, resync, retry
  tryton:call  call Tryton: the methods that match a --method (writes included), or all reads without --method; writes to ir.* and res.* need a pattern that names the model before its first *
  admin        all of these

Exit codes: 0 created, 1 PostgreSQL cannot be used, 2 bad usage or configuration

Examples:
  $ passerelle keys create --name reporting --scope bc:read --expires 90d
  $ passerelle keys create --name portal --scope bc:read,tryton:call --method 'model.party.*' --method 'model.sale.*'
  $ passerelle keys create --name crm --scope bc:read --mirror partners --mirror products
  $ passerelle keys create --name lyon --scope tryton:call --context '{"company":2}'
  $ KEY=$(passerelle keys create --name cron --scope sync:write --json | jq -r .key)`;

async function create(
  { io, env }: CommandContext,
  options: CreateOptions,
  command: Command,
): Promise<ExitCode> {
  const {
    name,
    scope: scopes,
    mirror: mirrors = [],
    method: methods = [],
    context = {},
    expires = null,
  } = options;
  if (!scopes.includes('tryton:call') && !scopes.includes('admin')) {
    const given = methods.length > 0 ? '--method <pattern>' : '--context <json>';
    if (methods.length > 0 || options.context !== undefined)
      command.error(`error: option '${given}' needs the scope tryton:call.`);
  }
  if (mirrors.length > 0) {
    if (scopes.every((scope) => scope === 'tryton:call'))
      command.error("error: option '--mirror <name>' needs the scope bc:read or sync:write.");
    const { mirrors: inFile, problems } = readMirrorModels(env);
    if (problems.length > 0) throw new ConfigError(problems);
    const known: readonly { readonly name: string }[] = inFile ?? [{ name: BC_MIRROR }];
    for (const one of mirrors) mirrorNamed(known, one);
  }
  const { key, row } = await withDatabase(env, (db) =>
    createApiKey(db, { name, scopes, mirrors, methods, context, expiresAt: expires }),
  );
  if (options.json === true) printJson(io, { key, ...publicKey(row) });
  else {
    const fixed = contextText(row);
    const limit = mirrors.length === 0 ? '' : ` of the mirrors ${mirrors.join(', ')}`;
    const tryton = methodsText(row) + (fixed === null ? '' : `, context ${fixed}`);
    printLines(io, [
      key,
      '',
      `Key ${row.id} for ${name}: ${scopes.join(', ')}${limit}${tryton === '-' ? '' : ` (Tryton: ${tryton})`}, ${
        expires === null ? 'does not expire' : `good until ${expires.toISOString()}`
      }.`,
      `Send it as "Authorization: Bearer ${key}". It is not shown again.`,
    ]);
  }
  return EXIT.success;
}

const MAX_NAME = 100;

function parseName(text: string): string {
  const name = text.trim();
  if (name === '' || name.length > MAX_NAME || /\p{Cc}/u.test(name)) {
    throw new InvalidArgumentError(`Expected a line of 1 to ${MAX_NAME} characters.`);
  }
  return name;
}

/** Commander passes the earlier values: the option may be repeated. */
const collect = (text: string, before: readonly string[] = []): readonly string[] => [
  ...new Set([...before, text]),
];

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
      "Expected a Tryton method in which * matches any text, such as model.party.party.read or 'model.*'.",
    );
  }
  return [...new Set([...before, text])];
}

/** Tryton drops names that begin with `_`: such a member would fix nothing. */
const fixedContext = z.record(z.string().regex(/^[^_]/), z.json());

function parseContext(text: string): ApiKeyRow['context'] {
  try {
    return fixedContext.parse(JSON.parse(text));
  } catch {
    throw new InvalidArgumentError(
      'Expected a JSON object whose names do not begin with _, such as \'{"company":1}\'.',
    );
  }
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

type JsonOption = { readonly json?: boolean };

export function addKeys(program: Command, context: CommandContext, exit: (code: ExitCode) => void): void {
  const keys = program
    .command('keys')
    .summary('create, list and revoke API keys')
    .description(
      'Manage API keys and their scopes. Needs DATABASE_URL only; with --mirror, MIRRORS_FILE too.',
    )
    .addHelpText('after', HELP);
  addCreate(keys, context, exit);
  keys
    .command('list')
    .summary('list every key, without its secret')
    .description('List all API keys, including revoked ones. Secrets are never stored or shown.')
    .option('--json', 'print one JSON object')
    .addHelpText('after', '\nExamples:\n  $ passerelle keys list\n  $ passerelle keys list --json')
    .action(async (options: JsonOption) => exit(await list(context, options)));
  keys
    .command('revoke')
    .summary('revoke a key for good')
    .description('Revoke a key for good. Every process rejects it within five seconds. Safe to repeat.')
    .argument('<id>', 'id or prefix of the key')
    .option('--json', 'print one JSON object')
    .addHelpText('after', REVOKE_HELP)
    .action(async (id: string, options: JsonOption) => exit(await revoke(context, id, options)));
}

const HELP = `
Examples:
  $ passerelle keys create --name reporting --scope bc:read
  $ passerelle keys list
  $ passerelle keys revoke 3
  $ passerelle keys help create`;

const REVOKE_HELP = `
Exit codes: 0 revoked, 1 there is no such key or PostgreSQL cannot be used, 2 bad usage or configuration

Examples:
  $ passerelle keys revoke 3
  $ passerelle keys revoke kqzbwmra`;

async function list({ io, env }: CommandContext, { json }: JsonOption): Promise<ExitCode> {
  const rows = await withDatabase(env, listApiKeys);
  print(io, json, { keys: rows.map(publicKey) }, keyLines(rows));
  return EXIT.success;
}

async function revoke({ io, env }: CommandContext, id: string, { json }: JsonOption): Promise<ExitCode> {
  const row = await withDatabase(env, (db) => revokeApiKey(db, id));
  if (row === null) throw new UnknownKeyError(id);
  print(io, json, publicKey(row), [`Key ${row.id} (${row.prefix}, ${row.name}) is revoked.`]);
  return EXIT.success;
}
