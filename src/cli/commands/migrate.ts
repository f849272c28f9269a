import type { Command } from 'commander';
import { readDatabaseConfig, readMirrorModels } from '../../config/index.ts';
import { listMirrors, registerMirror } from '../../db/documents/mirrors.ts';
import { migrate } from '../../db/migrate.ts';
import { BC_MIRROR } from '../../shared/mirror-names.ts';
import { missingMigrations, withDatabase } from '../connections.ts';
import { type CommandContext, type Environment, EXIT, type ExitCode, type Io, printLines } from '../io.ts';
import { createProgress } from '../progress.ts';
import { counted } from '../text.ts';

export function addMigrate(program: Command, context: CommandContext, exit: (code: ExitCode) => void): void {
  program
    .command('migrate')
    .summary('apply the migrations that are missing')
    .description(
      'Apply the migrations that the database lacks, and create the tables of the mirrors of MIRRORS_FILE. Needs ' +
        'DATABASE_URL only; safe to repeat.',
    )
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
  const created = await registerMirrors(io, env);
  printLines(
    io,
    pending.length + created.length === 0
      ? ['Nothing to do: the database has every migration.']
      : [
          ...pending.map((name) => `Applied ${name}`),
          ...created.map((name) => `Created the tables of the mirror ${name}`),
        ],
  );
  return EXIT.success;
}

/**
 * A role that may only read and write tables cannot create those of a new mirror, and another role runs this command.
 * Without a usable file the API and the workers create the tables, if their role may.
 *
 * @returns the names of the new mirrors.
 */
async function registerMirrors(io: Io, env: Environment | undefined): Promise<string[]> {
  const { mirrors, problems } = readMirrorModels(env);
  if (problems.length > 0) {
    const lines = problems.map((text) => `  ${text}\n`).join('');
    io.stderr.write(`The tables of the mirrors were not created:\n${lines}`);
    return [];
  }
  if (mirrors === null) return [];
  return withDatabase(env, async (db) => {
    const known = await listMirrors(db);
    for (const mirror of mirrors) await registerMirror(db, mirror);
    return mirrors
      .filter(({ name }) => name !== BC_MIRROR && !known.some((row) => row.name === name))
      .map(({ name }) => name);
  });
}
