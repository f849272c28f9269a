import type { Command } from 'commander';
import { readDatabaseConfig } from '../../config/index.ts';
import { migrate } from '../../db/migrate.ts';
import { missingMigrations } from '../connections.ts';
import { type CommandContext, EXIT, type ExitCode, printLines } from '../io.ts';
import { createProgress } from '../progress.ts';
import { counted } from '../text.ts';

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
  const line = createProgress(io);
  line.show('Connecting to PostgreSQL');
  const pending = await missingMigrations(config).finally(line.clear);
  if (pending.length > 0) line.show(`Applying ${counted(pending.length, 'migration')}`);
  const onStep = (step: string) => {
    line.clear();
    io.stderr.write(`${step}\n`);
  };
  await migrate(config.databaseUrl, { timeouts: config.databaseTimeouts, onStep }).finally(line.clear);
  printLines(
    io,
    pending.length === 0
      ? ['Nothing to do: the database has every migration.']
      : pending.map((name) => `Applied ${name}`),
  );
  return EXIT.success;
}
