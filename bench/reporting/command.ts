import type { ParseArgsConfig } from 'node:util';
import { parseArgs } from 'node:util';
import { createScreen, Ending } from '../../dev/demo/context.ts';
import { errorMessage } from '../../src/shared/errors.ts';
import type { Context } from '../context.ts';
import { withCleanup } from '../context.ts';
import type { Section } from './figures.ts';
import { missedTargets } from './figures.ts';
import { checkReadme, publish, withResults } from './publish.ts';
import { textTable } from './tables.ts';

/** A command line: its name, its options and its work. */
interface Command<Options> {
  /** The script in package.json. */
  readonly script: string;
  readonly help: string;
  /** Its options without `--help`. */
  readonly flags: NonNullable<ParseArgsConfig['options']>;
  /** @throws Error with one sentence about the invalid option. */
  readonly read: (given: Given) => Options;
}

/** A command that prints or publishes figures. */
export interface BenchCommand<Options> extends Command<Options> {
  /** Yields each section as soon as it is measured. */
  readonly measure: (options: Options, context: Context) => AsyncIterable<Section>;
}

/** A command with an output format of its own. */
interface PlainCommand<Options> extends Command<Options> {
  /** @returns the exit code. */
  readonly run: (options: Options, context: Context) => Promise<0 | 1>;
}

/** The options as given, by name. */
export type Given = Readonly<Record<string, unknown>>;

/** The options of every command with figures. */
const FIGURE_FLAGS = {
  json: { type: 'boolean', default: false },
  write: { type: 'boolean', default: false },
} as const;

export const FIGURE_HELP = `  --json           print one JSON object instead of tables
  --write          write the figures into README.md and docs/bench, beside those measured before
  --help           this text`;

export const ENVIRONMENT_HELP = `SYNC_*, RETAIN_*, ODOO_CONCURRENCY and ODOO_CALLS_PER_SECOND as in .env.example.
BENCH_DATABASE_URL (a server on which databases may be created) and BENCH_REDIS_URL replace the started servers.`;

/** Runs a command with figures and ends the process, even if a connection to a stopped server is still open. */
export async function runBench<Options>(
  command: BenchCommand<Options>,
  args: readonly string[],
): Promise<never> {
  process.exit(await exitCode(command, args));
}

/** The exit code. 0: every target is met. 1: a target is missed, or the measurement failed. 2: wrong usage. */
export function exitCode<Options>(
  command: BenchCommand<Options>,
  args: readonly string[],
): Promise<0 | 1 | 2> {
  return exitCodeOf(
    {
      ...command,
      flags: { ...command.flags, ...FIGURE_FLAGS },
      read: (given) => ({
        own: command.read(given),
        json: given['json'] === true,
        write: given['write'] === true,
      }),
      run: async (options, context) => {
        const missed = missedTargets(await measure(command, options, context));
        for (const sentence of missed) process.stderr.write(`Target missed. ${sentence}\n`);
        return missed.length === 0 ? 0 : 1;
      },
    },
    args,
  );
}

interface FigureOptions<Options> {
  readonly own: Options;
  readonly json: boolean;
  readonly write: boolean;
}

async function measure<Options>(
  command: BenchCommand<Options>,
  { own, json, write }: FigureOptions<Options>,
  context: Context,
): Promise<Section[]> {
  const root = process.cwd();
  if (write) await checkReadme(root);
  const sections: Section[] = [];
  for await (const section of command.measure(own, context)) {
    sections.push(section);
    if (!json) process.stdout.write(textTable(section));
    if (write) context.screen.line(`Written: ${(await publish(root, [section])).join(', ')}`);
  }
  if (json) process.stdout.write(`${JSON.stringify({ sections: withResults(sections) }, null, 2)}\n`);
  return sections;
}

/** The exit code of any command. 1: it failed. 2: wrong usage. */
export async function exitCodeOf<Options>(
  command: PlainCommand<Options>,
  args: readonly string[],
): Promise<0 | 1 | 2> {
  let options: Options;
  try {
    const flags = { ...command.flags, help: { type: 'boolean' } } as const;
    const { values } = parseArgs({ args: [...args], options: flags });
    if ('help' in values) {
      process.stdout.write(command.help);
      return 0;
    }
    options = command.read(values);
  } catch (error) {
    process.stderr.write(`${errorMessage(error)}\nSee npm run ${command.script} -- --help\n`);
    return 2;
  }
  const ending = new Ending();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => ending.stop());
  try {
    const screen = createScreen(process.stderr);
    return await withCleanup({ ending, screen }, (context) => command.run(options, context));
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? errorMessage(error) : 'stopped'}\n`);
    return 1;
  }
}

/** @throws Error that names the expected values. */
export function wholeNumber(given: Given, name: string, least: number, most: number): number {
  const value = Number(given[name]);
  if (Number.isInteger(value) && value >= least && value <= most) return value;
  throw new Error(`--${name}: expected a whole number from ${least} to ${most}`);
}

/**
 * Reads a comma-separated list of known names; all of them if the option is missing.
 *
 * @throws Error that names the expected values.
 */
export function chosen<Name extends string>(given: Given, name: string, known: readonly Name[]): Name[] {
  const value = given[name];
  if (typeof value !== 'string') return [...known];
  const wanted = value.split(',');
  const unknown = wanted.filter((one) => !known.some((other) => other === one));
  if (unknown.length > 0) throw new Error(`--${name}: expected some of ${known.join(',')}`);
  return known.filter((one) => wanted.includes(one));
}
