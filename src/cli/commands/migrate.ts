import type { Command } from 'commander';
import { readDatabaseConfig } from '../../config/index.ts';
import { migrate } from '../../db/migrate.ts';
import { missingMigrations } from '../connections.ts';
import { type CommandContext, EXIT, type ExitCode, printLines } from '../io.ts';

export function addMigrate(program: Command, context: CommandContext, exit: (code: ExitCode) => void): void {
  program
    .command('migrate')
    .summary('apply the migrations that are missing')
    .description('Apply the migrations that the database lacks. Needs DATABASE_URL only; safe to repeat.')
    .addHelpText('after', HELP)
    .action(async () => exit(await applyMigrations(context)));
}

const HELP = `
Examples:
  $ passerelle migrate
  $ DATABASE_URL=postgres://user:secret@localhost:5432/passerelle passerelle migrate`;

async function applyMigrations({ io, env }: CommandContext): Promise<ExitCode> {
  const config = readDatabaseConfig(env);
  const pending = await missingMigrations(config);
  await migrate(config.databaseUrl, {
    timeouts: config.databaseTimeouts,
    onStep: (line) => io.stderr.write(`${line}\n`),
  });
  printLines(
    io,
    pending.length === 0
      ? ['Nothing to do: the database has every migration.']
      : pending.map((name) => `Applied ${name}`),
  );
  return EXIT.success;
}
