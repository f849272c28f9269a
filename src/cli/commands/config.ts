import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Command } from 'commander';
import {
  ConfigError,
  type EffectiveVariable,
  ENV_FILE,
  effectiveVariables,
  readConfig,
} from '../../config/index.ts';
import { type CommandContext, EXIT, type ExitCode, type Line, print } from '../io.ts';
import { table } from '../text.ts';

export function addConfig(program: Command, context: CommandContext, exit: (code: ExitCode) => void): void {
  program
    .command('config')
    .summary('print the settings in effect, without secrets')
    .description(
      'Print each variable with its value and its origin: the default, the environment, or a line of .env or of ' +
        '.passerelle/env, which "passerelle up" writes. ' +
        'Passwords, secrets and tokens are shown as ***. Then list the problems of the settings.',
    )
    .option('--json', 'print one JSON object')
    .addHelpText('after', HELP)
    .action(async (options: { readonly json?: boolean }) => exit(show(context, options)));
}

const HELP = `
Exit codes: 0 the settings can be used, 2 they cannot

Examples:
  $ passerelle config
  $ passerelle config --json | jq '.variables[] | select(.origin != "default")'`;

function show({ io, env }: CommandContext, options: { readonly json?: boolean }): ExitCode {
  const variables = effectiveVariables(env);
  const problems = problemsOf(env);
  const file = env === undefined && existsSync(ENV_FILE) ? resolve(ENV_FILE) : null;
  const answer = { file, problems, variables: variables.map(plain) };
  print(io, options.json, answer, [
    ...variableLines(variables),
    '',
    file === null ? 'No .env file was read.' : `Read ${file}.`,
  ]);
  if (problems.length === 0) return EXIT.success;
  io.stderr.write(`${new ConfigError(problems).message}\n`);
  return EXIT.usage;
}

function problemsOf(env: CommandContext['env']): readonly string[] {
  try {
    readConfig(env);
    return [];
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
}

function plain({ name, value, origin }: EffectiveVariable) {
  return { name, value, origin: origin.from, line: 'line' in origin ? origin.line : null };
}

function variableLines(variables: readonly EffectiveVariable[]): Line[] {
  const rows = variables.map(({ name, value, origin }) => [
    name,
    value ?? 'not set',
    'line' in origin ? `${origin.from} line ${origin.line}` : origin.from,
  ]);
  return table(['Variable', 'Value', 'Origin'], rows);
}
